/* A NAT's certificate for people and for programs. */
#ifndef HP_REPORT_CERTIFICATE_H
#define HP_REPORT_CERTIFICATE_H

#include "certify/certificate.h"

typedef struct hp_report_nat {
    const char *name; /* a preset's, or "FILE:NAT" */
    const char *about, *source; /* NULL: none is known */
    const char *firewall; /* its preset's name; NULL: none */
    const hp_certificate *observed, *declared;
} hp_report_nat;

/* The classification, the requirements, and the differences between observed and declared. Caller frees. */
char *hp_report_nat_text(const hp_report_nat *nat);
/* One line: the name, and what is most asked for. Caller frees. */
char *hp_report_nat_line(const hp_report_nat *nat);
/* A JSON array of n certificates, version "hairpin-nat/1". Caller frees. */
char *hp_report_nat_json(const hp_report_nat *nats, size_t n);

#endif
