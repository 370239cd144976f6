/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for tables whose keys a client chooses, and for names that logs may carry. */
#ifndef BASE_SIP_H
#define BASE_SIP_H

#include <stddef.h>
#include <stdint.h>

struct sip_key {
	uint64_t k0, k1;
};

/* Any thread; never fails. */
uint64_t sip_hash(const struct sip_key *key, const void *bytes, size_t len);

#endif
