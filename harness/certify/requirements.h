/* The requirements of RFC 4787, 5382, 5508 and 6888, each judged by what a certificate says was observed. */
#ifndef HP_CERTIFY_REQUIREMENTS_H
#define HP_CERTIFY_REQUIREMENTS_H

#include "certify/certificate.h"

typedef enum hp_requirement_level { HP_REQUIREMENT_MUST, HP_REQUIREMENT_SHOULD } hp_requirement_level;

typedef enum hp_requirement_verdict {
    HP_REQUIREMENT_PASS,
    HP_REQUIREMENT_FAIL,
    HP_REQUIREMENT_UNSEEN, /* not observable here; the reason says why */
    HP_REQUIREMENT_N_VERDICTS
} hp_requirement_verdict;

typedef struct hp_requirement {
    const char *rfc; /* "RFC 4787" */
    const char *number; /* "REQ-5c" */
    hp_requirement_level level; /* SHOULD stands for RECOMMENDED too */
    const char *text; /* what it asks for, in our words */
} hp_requirement;

unsigned hp_requirements_count(void);
const hp_requirement *hp_requirement_get(unsigned i);
/* *ret_reason (to be freed): what was observed, or why nothing was. */
hp_requirement_verdict hp_requirement_judge(unsigned i, const hp_certificate *observed, char **ret_reason);
const char *hp_requirement_verdict_name(hp_requirement_verdict verdict); /* "pass", "fail", "not observable" */
const char *hp_requirement_level_name(hp_requirement_level level); /* "MUST", "SHOULD" */

#endif
