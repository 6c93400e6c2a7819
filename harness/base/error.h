/* One GError domain; the code says who is to act. Only the command line prints or exits. */
#ifndef HP_BASE_ERROR_H
#define HP_BASE_ERROR_H

#include <glib.h>

typedef enum hp_error_code {
    HP_ERROR_INVALID, /* input that makes no sense: a malformed packet, a bad argument */
    HP_ERROR_SCENARIO, /* the scenario file is wrong: exit code 2 */
    HP_ERROR_ENVIRONMENT, /* this machine cannot run it: exit code 3 */
    HP_ERROR_IO, /* reading or writing a file; the message names the path */
    HP_ERROR_LIMIT, /* a cap was reached */
    HP_ERROR_REFUSED, /* understood, and it says no */
} hp_error_code;

#define HP_ERROR hp_error_quark()
GQuark hp_error_quark(void);

#endif
