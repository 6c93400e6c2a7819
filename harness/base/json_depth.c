/* One pass over the text: brackets outside of strings open and close levels. A string begins and ends at a quotation
 * mark that no backslash precedes. json-glib also takes single quotes and comments; brackets in them are counted, so a
 * text may be called deep that is not, and never the other way round: inside what we take for a string, json-glib
 * sees one as well, unless it is in a comment, and there nothing nests. To be safe in that case too, the depth of all
 * brackets, strings or not, must stay below a bound that the parser's stack can surely take. */
#include "base/json_depth.h"

enum { SURE_DEPTH = 1000 };

bool hp_json_is_shallow(const char *text, size_t len)
{
    long depth = 0, all = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if (c == '[' || c == '{') {
            all++;
            depth += !quoted;
        } else if (c == ']' || c == '}') {
            all--;
            depth -= !quoted;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == '\\' && quoted) {
            i++;
        }
        if (depth > HP_JSON_MAX_DEPTH || all > SURE_DEPTH) {
            return false;
        }
    }
    return true;
}
