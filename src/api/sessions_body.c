/* See sessions_body.h. */
#include <stdlib.h>
#include <string.h>

#include "api/sessions_body.h"
#include "base/config.h"
#include "chat/device.h"

const char *sessions_read_role(struct body *b)
{
	static const char *const words[] = {"counselor", "counsellor", "volunteer", NULL};
	const char *role = body_word(b, "counselorRole", words, "counselor");

	return strcmp(role, "volunteer") == 0 ? role : "counselor";
}

static void read_permissions(struct body *b, struct session_new *n)
{
	const json_t *value = body_member(b, "permissions"), *student = value, *counselor = value;
	bool good = true;

	n->acts_student = ACTS_STUDENT;
	n->acts_counselor = ACTS_COUNSELOR;
	if (!value)
		return;
	if (json_is_object(value)) {
		student = json_object_get(value, "student");
		counselor = json_object_get(value, "counselor");
	}
	if (student)
		good &= acts_parse(&n->acts_student, student);
	if (counselor)
		good &= acts_parse(&n->acts_counselor, counselor);
	if (!good || (!json_is_object(value) && !json_is_array(value)))
		body_wrong(b, ERR_BAD_REQUEST, "permissions must be a list of names, or {\"student\":[…],\"counselor\":[…]}.");
}

/* As compact JSON in the arena; NULL when absent. */
static const char *read_device(struct body *b, const json_t *devices, const char *side)
{
	const json_t *json = json_object_get(devices, side);
	char text[DEVICE_TEXT_MAX];
	struct device d;

	if (!json || json_is_null(json))
		return NULL;
	if (!device_parse(&d, json)) {
		body_wrong(b, ERR_BAD_REQUEST, "devices.%s must be " DEVICE_SHAPE ".", side);
		return NULL;
	}
	device_write(text, &d);
	return arena_strdup(b->arena, text);
}

void sessions_read_new(struct body *b, struct session_new *n)
{
	static const char *const policies[] = {"allowed", "consent", "off", NULL};
	const json_t *devices;

	*n = (struct session_new){.ttl_ms = config_number("ROOM_TTL_S") * 1000};
	n->id = body_id(b, "sessionId", false);
	n->student = body_id(b, "studentAnonymousId", true);
	n->counselor = body_id(b, "counselorId", false);
	n->counselor_role = sessions_read_role(b);
	if (n->student && n->counselor && strcmp(n->student, n->counselor) == 0)
		body_wrong(b, ERR_BAD_REQUEST, "studentAnonymousId and counselorId must differ.");
	read_permissions(b, n);
	n->case_ref = body_id(b, "caseRef", false);
	n->summaries = body_word(b, "summaries", policies, config_text("ROOM_SUMMARIES"));
	n->summarize_on_end = body_flag(b, "summarizeOnEnd", false);
	devices = body_member(b, "devices");
	if (devices && !json_is_object(devices))
		body_wrong(b, ERR_BAD_REQUEST, "devices must be an object.");
	n->device_student = read_device(b, devices, "student");
	n->device_counselor = read_device(b, devices, "counselor");
}
