/* See password.h. */
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/password.h"
#include "base/utf8.h"

METRIC_TIME(hashing, "room_password_seconds", "Passwords hashed or compared, whether or not there is such an account.");

/* Those of at least PASSWORD_LEAST bytes that every guesser begins with, in lower case. */
static const char *const commonest[] = {"00000000", "0000000000", "01234567", "0123456789", "11111111", "1111111111", "11223344",
	"12121212", "12123434", "12341234", "1234512345", "12345678", "123456789", "1234567890", "12345678910", "123456789a", "12345679",
	"1234qwer", "123123123", "123321123", "147258369", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "1qazxsw2", "20202020", "22222222", "31415926",
	"33333333", "55555555", "66666666", "77777777", "87654321", "88888888", "987654321", "9876543210", "99999999", "a1234567", "a12345678",
	"aa123456", "aa12345678", "aaaaaaaa", "abc12345", "abcd1234", "abcdefgh", "abcdefghi", "access14", "admin123", "administrator",
	"adobe123", "alexander", "anthony1", "asdasdasd", "asdf1234", "asdfasdf", "asdfghjk", "asdfghjkl", "babygirl", "babygirl1", "baseball",
	"baseball1", "basketball", "benjamin", "blink182", "butterfly", "caroline", "changeme", "charlie1", "chocolate", "christian",
	"christopher", "computer", "consumer", "cristina", "danielle", "dragon123", "dubsmash", "einstein", "electric", "elizabeth", "evite123",
	"facebook", "football", "football1", "forever1", "freedom1", "friends1", "fuckyou1", "gabriela", "google123", "hello123", "hellohello",
	"helloworld", "iloveyou", "iloveyou1", "iloveyou2", "internet", "jennifer", "jessica1", "jonathan", "jordan23", "letmein1",
	"letmein123", "liverpool", "liverpool1", "login123", "lovelove", "loveyou1", "mainserver", "master123", "maverick", "mercedes",
	"michael1", "michelle", "midnight", "monkey123", "mustang1", "myspace1", "nicholas", "nicole12", "pa55word", "pakistan", "passw0rd",
	"password", "password!", "password1", "password12", "password123", "password1234", "patricia", "pokemon1", "princess", "princess1",
	"q1w2e3r4", "q1w2e3r4t5", "qazwsx123", "qazwsxedc", "qwer1234", "qwerqwer", "qwert123", "qwerty12", "qwerty123", "qwerty1234",
	"qwertyui", "qwertyuiop", "readingroom", "rockyou1", "samantha", "sampleaccount", "samsung1", "scorpion", "security", "september",
	"shadow123", "something", "spiderman", "starwars", "steelers", "summer123", "sunshine", "sunshine1", "superman", "superman1",
	"swordfish", "tinkerbell", "trustno1", "test1234", "testtest", "unknown1", "victoria", "welcome1", "welcome123", "whatever",
	"whatever1", "william1", "xxxxxxxx", "zaq12wsx", "zxcvbnm1", "zxcvbnm123"};

static bool among_commonest(const char *password, size_t len)
{
	for (size_t i = 0; i < sizeof commonest / sizeof *commonest; i++)
		if (strlen(commonest[i]) == len && strncasecmp(commonest[i], password, len) == 0)
			return true;
	return false;
}

/* One character over and over. */
static bool monotone(const char *password, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (password[i] != password[0])
			return false;
	return true;
}

const char *password_weak(const char *password, size_t len, const char *login)
{
	if (len < PASSWORD_LEAST || len > PASSWORD_MOST)
		return "A password has 8 to 128 bytes.";
	if (!utf8_valid(password, len) || memchr(password, '\0', len) || utf8_blank(password, len))
		return "A password is text that is not blank.";
	if (strlen(login) == len && strncasecmp(login, password, len) == 0)
		return "A password must not be the login.";
	if (monotone(password, len) || among_commonest(password, len))
		return "This is one of the passwords that are guessed first; take another.";
	return NULL;
}

static char dummy[crypto_pwhash_STRBYTES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_dummy(void)
{
	char noise[16];

	if (sodium_init() < 0)
		return;
	randombytes_buf(noise, sizeof noise);
	if (crypto_pwhash_str(dummy, noise, sizeof noise, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		*dummy = '\0';
}

enum err password_hash(char out[PASSWORD_HASH_MAX], const char *password, size_t len)
{
	int64_t began = clock_mono_ms();
	int failed;

	_Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_HASH_MAX, "a hash fits");
	pthread_once(&once, make_dummy);
	failed = crypto_pwhash_str(out, password, len, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE);
	metric_observe_us(&hashing, (clock_mono_ms() - began) * 1000);
	return failed ? ERR_STORE_UNAVAILABLE : OK;
}

enum err password_check(const char *stored, const char *password, size_t len)
{
	char text[crypto_pwhash_STRBYTES] = "";
	int64_t began;
	int differs;

	pthread_once(&once, make_dummy);
	if (stored && strlen(stored) >= sizeof text)
		return ERR_INTERNAL;
	memcpy(text, stored ? stored : dummy, strlen(stored ? stored : dummy));
	began = clock_mono_ms();
	differs = crypto_pwhash_str_verify(text, password, len);
	metric_observe_us(&hashing, (clock_mono_ms() - began) * 1000);
	return stored && !differs ? OK : ERR_UNAUTHENTICATED;
}
