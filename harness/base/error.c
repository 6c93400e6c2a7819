/* The project's GError domain. A domain of its own lets the command line turn a code into an exit status without
 * looking at the text of a message. */
#include "base/error.h"

GQuark hp_error_quark(void)
{
    return g_quark_from_static_string("hp-error-quark");
}
