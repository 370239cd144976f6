/* Push targets: a participant's own, and a counselor's by MainServer (design §7). */
#include "api/guard.h"
#include "api/routes.h"
#include "chat/device.h"
#include "http/body.h"

/* True: *out is what the body says. Else the mistake was answered. */
static bool read_device(struct exchange *x, struct device *out)
{
	struct body b;

	body_open(&b, &x->request, true);
	if (b.error == OK && !device_parse(out, b.root))
		body_wrong(&b, ERR_BAD_REQUEST, "A device is " DEVICE_SHAPE ".");
	return guard_body(x, &b);
}

void devices_put_own(struct exchange *x)
{
	struct device d;

	if (read_device(x, &d))
		device_set(ticket_of(x), &d, answer_empty, x);
}

void devices_delete_own(struct exchange *x)
{
	device_set(ticket_of(x), NULL, answer_empty, x);
}

void devices_put_person(struct exchange *x)
{
	struct device d;

	if (read_device(x, &d))
		device_set_person(x->request.params[0], &d, answer_empty, x);
}

void devices_delete_person(struct exchange *x)
{
	device_set_person(x->request.params[0], NULL, answer_empty, x);
}
