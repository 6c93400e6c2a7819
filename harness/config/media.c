/* Names of the kinds of media. */
#include "config/media.h"

#include <assert.h>

static const char *const names[] = {"audio", "video"};
static_assert(sizeof names / sizeof names[0] == HP_MEDIA_N_KINDS, "one name a kind");

const char *hp_media_kind_name(hp_media_kind kind)
{
    return names[kind];
}
