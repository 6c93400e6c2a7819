/* Opening a recording. A classic pcap file is read as it lies there. A pcapng file is taken into memory, because
 * libpcap (1.10 at least) refuses the second interface of raw IP: it holds the link type it found first, translated to
 * its own number for it, against the next as the file has it, and raw IP is where the two differ (LINKTYPE_RAW 101,
 * DLT_RAW 12 on Linux). Every capture that this program writes has several such interfaces. In the copy their link type
 * is the number that is the same on both sides.
 *
 *   block        type (4), total length (4), body, total length (4); a section header's body begins with its byte order
 *   interface    body: link type (2), ...
 *
 * A block that cannot be right ends the walk; libpcap says what is wrong with it. Limit: pcapng files of 2 GiB. */
#include "trace/capture_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

enum { BLOCK_MIN = 12, BLOCK_INTERFACE = 1, INTERFACE_MIN = 20, LINKTYPE_RAW_IP = 101 };
#define MAX_FILE (INT64_C(2) << 30)

static const uint8_t section_header[] = {0x0a, 0x0d, 0x0d, 0x0a};

static uint32_t get(const uint8_t *at, unsigned n, bool big_endian)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        value = value << 8 | at[big_endian ? i : n - 1 - i];
    }
    return value;
}

static void rename_raw_ip(uint8_t *data, size_t n)
{
    bool big_endian = false;
    for (size_t at = 0; n - at >= BLOCK_MIN;) {
        uint8_t *block = data + at;
        if (memcmp(block, section_header, sizeof section_header) == 0) {
            big_endian = block[8] == 0x1a;
        }
        const uint32_t total = get(block + 4, 4, big_endian);
        if (total < BLOCK_MIN || total > n - at) {
            return;
        }
        if (get(block, 4, big_endian) == BLOCK_INTERFACE && total >= INTERFACE_MIN &&
            get(block + 8, 2, big_endian) == LINKTYPE_RAW_IP) {
            block[big_endian ? 9 : 8] = DLT_RAW;
        }
        at += total;
    }
}

/* Reads the stream from its start into memory and lets `file` read from there. */
static bool take_into_memory(hp_capture_file *file, size_t size)
{
    char *bytes = g_try_malloc(size);
    if (bytes == NULL || fread(bytes, 1, size, file->stream) != size) {
        errno = bytes == NULL ? ENOMEM : EIO;
        g_free(bytes);
        return false;
    }
    rename_raw_ip((uint8_t *)bytes, size);
    FILE *memory = fmemopen(bytes, size, "rb");
    if (memory == NULL) {
        g_free(bytes);
        return false;
    }
    fclose(file->stream);
    *file = (hp_capture_file){memory, bytes};
    return true;
}

bool hp_capture_file_open(const char *path, hp_capture_file *ret, GError **error)
{
    g_auto(hp_capture_file) file = {0};
    struct stat status = {0};
    bool good = stat(path, &status) == 0;
    if (good && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        good = false;
    } else if (good && !S_ISREG(status.st_mode)) { /* opening a pipe may wait for ever */
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no regular file", path);
        return false;
    } else if (good) {
        file.stream = fopen(path, "rbe");
        good = file.stream != NULL && fstat(fileno(file.stream), &status) == 0;
    }
    if (good) {
        uint8_t magic[sizeof section_header];
        const bool newer = fread(magic, 1, sizeof magic, file.stream) == sizeof magic &&
                           memcmp(magic, section_header, sizeof magic) == 0;
        if (newer && status.st_size > MAX_FILE) {
            g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s: a pcapng file of more than 2 GiB", path);
            return false;
        }
        good = fseek(file.stream, 0, SEEK_SET) == 0 && (!newer || take_into_memory(&file, (size_t)status.st_size));
    }
    if (!good) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", path, g_strerror(errno));
        return false;
    }
    *ret = file;
    file = (hp_capture_file){0};
    return true;
}

void hp_capture_file_close(hp_capture_file *file)
{
    if (file->stream != NULL) {
        fclose(file->stream);
    }
    g_free(file->bytes);
    *file = (hp_capture_file){0};
}
