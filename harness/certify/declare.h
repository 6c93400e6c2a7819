/* What the knobs declare of each property: the other half of a certificate, written from what config/nat.h and
 * config/firewall.h say of the knobs, and from the bounds of the probes (observe.h). It asks no NAT. */
#ifndef HP_CERTIFY_DECLARE_H
#define HP_CERTIFY_DECLARE_H

#include "certify/certify.h"

/* Never NULL. */
hp_certificate *hp_certify_declare(const hp_certify_subject *subject);

#endif
