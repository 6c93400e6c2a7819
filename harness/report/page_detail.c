/* A case's detail: its result document whole but for long series, and what its evidence shows. */
#include "report/evidence.h"
#include "report/page_private.h"

bool hp_page_detail(hp_json *j, JsonObject *result, const hp_page_case *c, hp_page_evidence evidence)
{
    bool whole = true;
    hp_page_thin_series(result);
    JsonNode *node = json_node_init_object(json_node_alloc(), result);
    hp_json_open(j, NULL, '{');
    hp_page_node(j, "result", node);
    json_node_unref(node);
    switch (evidence) {
    case HP_PAGE_NO_EVIDENCE:
        hp_page_no_ladder(j, NULL);
        break;
    case HP_PAGE_EVIDENCE:
        whole = hp_page_ladder(j, c->folder, result);
        break;
    case HP_PAGE_OTHER_EVIDENCE:
        hp_page_no_ladder(j, "the evidence that was found is of another run of this case");
        break;
    }
    hp_json_close(j, '}');
    return whole;
}
