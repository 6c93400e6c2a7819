/* The page as the build made it (page/page.cmake), carried in the program's read-only data: the program needs no file
 * beside itself. HAIRPIN_PAGE_FILE is the file's path while building, and is not used later. */
#include <assert.h>
#include <string.h>

#include "report/page_private.h"

__asm__(".pushsection .rodata\n"
        ".global hp_page_template_begin\n"
        ".global hp_page_template_end\n"
        "hp_page_template_begin:\n"
        ".incbin \"" HAIRPIN_PAGE_FILE "\"\n"
        "hp_page_template_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char hp_page_template_begin[], hp_page_template_end[];

void hp_page_template(const char **ret_head, size_t *ret_head_length, const char **ret_tail, size_t *ret_tail_length)
{
    static const char marker[] = "<!--hairpin-data-->";
    const char *begin = hp_page_template_begin, *end = hp_page_template_end;
    const char *at = g_strstr_len(begin, end - begin, marker);
    g_assert(at != NULL); /* ours: the build puts it in */
    *ret_head = begin;
    *ret_head_length = (size_t)(at - begin);
    *ret_tail = at + strlen(marker);
    *ret_tail_length = (size_t)(end - *ret_tail);
}
