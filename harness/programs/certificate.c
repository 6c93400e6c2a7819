/* An ECDSA key on P-256 and a certificate of it for two days around now, signed by itself; its subjectAltName has the
 * server's name in DNS and all of its addresses (RFC 6125), so that a client which is told to trust it finds whatever it
 * was connected to. The key's file can be read by its owner alone. */
#include "programs/certificate.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"

enum { DAY_S = 86400 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    const bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static char *names_of(const hp_plan_server *server)
{
    GString *names = g_string_new(NULL);
    g_string_append_printf(names, "DNS:%s", server->dns_name);
    for (unsigned i = 0; i < server->attachment.n_addresses; i++) {
        char text[HP_ADDR_TEXT];
        g_string_append_printf(names, ",IP:%s", hp_addr_format_ip(&server->attachment.addresses[i], text));
    }
    return g_string_free(names, FALSE);
}

static X509 *make(const hp_plan_server *server, EVP_PKEY *key)
{
    g_autoptr(X509) certificate = X509_new();
    g_autofree char *names = names_of(server);
    if (!certificate)
        return NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    const bool made =
        X509_set_version(certificate, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_S) && X509_set_pubkey(certificate, key) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)server->source->name, -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(certificate, subject) == 1 && add_extension(certificate, NID_subject_alt_name, names) &&
        X509_sign(certificate, key, EVP_sha256()) > 0;
    return made ? g_steal_pointer(&certificate) : NULL;
}

static FILE *open_new(const char *path, mode_t mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file && fd >= 0)
        close(fd);
    return file;
}

static bool write_files(const char *certificate_path, X509 *certificate, const char *key_path, EVP_PKEY *key)
{
    FILE *file = open_new(certificate_path, 0644);
    bool written = file && PEM_write_X509(file, certificate) == 1;
    written = file && fclose(file) == 0 && written;
    file = open_new(key_path, 0600);
    written = file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 && written;
    return file && fclose(file) == 0 && written;
}

bool hp_certificate_write(const hp_plan_server *server, const char *folder, char **ret_certificate, char **ret_key,
                          GError **error)
{
    g_autofree char *certificate_path = g_build_filename(folder, "certificate.pem", NULL);
    g_autofree char *key_path = g_build_filename(folder, "key.pem", NULL);
    g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");
    g_autoptr(X509) certificate = key ? make(server, key) : NULL;
    if (!certificate || !write_files(certificate_path, certificate, key_path, key)) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: the certificate of %s could not be made", folder,
                    server->source->name);
        return false;
    }
    *ret_certificate = g_steal_pointer(&certificate_path);
    *ret_key = g_steal_pointer(&key_path);
    return true;
}
