/*
 * Loaded into a process that writes a database (LD_PRELOAD), this library counts the syncs of the database's files and,
 * if asked to, keeps for every write what stood there before. When the process is killed, its writes are in the page
 * cache and survive; a power loss would have lost those that were not synced. Undoing them, last first, leaves the files
 * as such a loss may leave them: with everything synced and nothing else.
 *
 * AUTOCRM_SHIM_FILE   the database file; its -wal and -journal are watched, too. The -shm file is rebuilt from them.
 * AUTOCRM_SHIM_DIR    where `syncs` (one byte for each sync) and `undo-0` (file), `undo-1` (-wal), `undo-2` (-journal) go.
 * AUTOCRM_SHIM_UNDO   `1`: keep what stood there before.
 *
 * A record of an undo file is three numbers of 64 bits in the byte order of the machine, and then bytes: the place, the
 * number of bytes, the size of the file before the write, and the bytes that stood at the place. A sync empties the undo
 * file of its file. That a file exists, or that it was deleted, counts as durable at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define KINDS 3
#define DESCRIPTORS 65536

static const char *const suffixes[KINDS] = {"", "-wal", "-journal"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static unsigned char kind_of[DESCRIPTORS]; /* 0: not watched, otherwise the kind plus one */
static char paths[KINDS][4096];
static int undo[KINDS] = {-1, -1, -1};
static int syncs = -1;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);

static void fail(const char *what) {
    perror(what);
    _exit(70);
}

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) fail(name);
    return found;
}

static int note(const char *folder, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int descriptor = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) fail(path);
    return descriptor;
}

static void prepare(void) {
    real_open = real("open");
    real_close = real("close");
    real_write = real("write");
    real_pwrite = real("pwrite");
    real_ftruncate = real("ftruncate");
    real_fsync = real("fsync");
    real_fdatasync = real("fdatasync");
    real_unlink = real("unlink");
    const char *file = getenv("AUTOCRM_SHIM_FILE");
    const char *folder = getenv("AUTOCRM_SHIM_DIR");
    const char *wanted = getenv("AUTOCRM_SHIM_UNDO");
    if (file == NULL || folder == NULL) return;
    for (int kind = 0; kind < KINDS; kind++) {
        snprintf(paths[kind], sizeof paths[kind], "%s%s", file, suffixes[kind]);
        if (wanted != NULL && strcmp(wanted, "1") == 0) {
            char name[16];
            snprintf(name, sizeof name, "undo-%d", kind);
            undo[kind] = note(folder, name);
        }
    }
    syncs = note(folder, "syncs");
}

static int kind_of_path(const char *path) {
    for (int kind = 0; kind < KINDS; kind++)
        if (paths[kind][0] != 0 && strcmp(path, paths[kind]) == 0) return kind;
    return -1;
}

static int watched(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS ? kind_of[descriptor] - 1 : -1;
}

/* Writes all of it, or gives up on the process: what is not remembered cannot be undone. */
static void remember_bytes(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = real_write(descriptor, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) fail("undo");
        bytes += written;
        size -= (size_t)written;
    }
}

static void remember(int descriptor, int kind, off_t place, size_t size) {
    if (undo[kind] < 0) return;
    struct stat before;
    if (fstat(descriptor, &before) != 0) fail("fstat");
    size_t old = 0;
    if (place < before.st_size) {
        old = (size_t)(before.st_size - place);
        if (old > size) old = size;
    }
    uint64_t head[3] = {(uint64_t)place, old, (uint64_t)before.st_size};
    char *record = malloc(sizeof head + old);
    if (record == NULL) fail("malloc");
    memcpy(record, head, sizeof head);
    if (old > 0 && pread(descriptor, record + sizeof head, old, place) != (ssize_t)old) fail("pread");
    remember_bytes(undo[kind], record, sizeof head + old);
    free(record);
}

static int open_watched(const char *path, int flags, mode_t mode) {
    pthread_once(&prepared, prepare);
    int kind = kind_of_path(path);
    int descriptor = real_open(path, flags, mode);
    if (kind >= 0 && descriptor >= 0) {
        if (descriptor >= DESCRIPTORS) fail("too many descriptors");
        pthread_mutex_lock(&lock);
        kind_of[descriptor] = (unsigned char)(kind + 1);
        pthread_mutex_unlock(&lock);
    }
    return descriptor;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (mode_t)va_arg(rest, int);
    va_end(rest);
    return open_watched(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (mode_t)va_arg(rest, int);
    va_end(rest);
    return open_watched(path, flags | O_LARGEFILE, mode);
}

int close(int descriptor) {
    pthread_once(&prepared, prepare);
    if (watched(descriptor) >= 0) {
        pthread_mutex_lock(&lock);
        kind_of[descriptor] = 0;
        pthread_mutex_unlock(&lock);
    }
    return real_close(descriptor);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    pthread_once(&prepared, prepare);
    int kind = watched(descriptor);
    if (kind < 0) return real_write(descriptor, bytes, size);
    pthread_mutex_lock(&lock);
    off_t place = lseek(descriptor, 0, SEEK_CUR);
    if (place < 0) fail("lseek");
    remember(descriptor, kind, place, size);
    ssize_t written = real_write(descriptor, bytes, size);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t place) {
    pthread_once(&prepared, prepare);
    int kind = watched(descriptor);
    if (kind < 0) return real_pwrite(descriptor, bytes, size, place);
    pthread_mutex_lock(&lock);
    remember(descriptor, kind, place, size);
    ssize_t written = real_pwrite(descriptor, bytes, size, place);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off_t place) {
    return pwrite(descriptor, bytes, size, place);
}

int ftruncate(int descriptor, off_t size) {
    pthread_once(&prepared, prepare);
    int kind = watched(descriptor);
    if (kind < 0) return real_ftruncate(descriptor, size);
    pthread_mutex_lock(&lock);
    remember(descriptor, kind, size, (size_t)-1 >> 1);
    int answer = real_ftruncate(descriptor, size);
    pthread_mutex_unlock(&lock);
    return answer;
}

int ftruncate64(int descriptor, off_t size) {
    return ftruncate(descriptor, size);
}

static int sync_watched(int descriptor, int (*sync_file)(int)) {
    int kind = watched(descriptor);
    if (kind < 0) return sync_file(descriptor);
    pthread_mutex_lock(&lock);
    int answer = sync_file(descriptor);
    if (answer == 0) {
        if (syncs >= 0) remember_bytes(syncs, ".", 1);
        if (undo[kind] >= 0 && real_ftruncate(undo[kind], 0) != 0) fail("undo");
    }
    pthread_mutex_unlock(&lock);
    return answer;
}

int fsync(int descriptor) {
    pthread_once(&prepared, prepare);
    return sync_watched(descriptor, real_fsync);
}

int fdatasync(int descriptor) {
    pthread_once(&prepared, prepare);
    return sync_watched(descriptor, real_fdatasync);
}

int unlink(const char *path) {
    pthread_once(&prepared, prepare);
    int kind = kind_of_path(path);
    if (kind < 0) return real_unlink(path);
    pthread_mutex_lock(&lock);
    int answer = real_unlink(path);
    if (answer == 0 && undo[kind] >= 0 && real_ftruncate(undo[kind], 0) != 0) fail("undo");
    pthread_mutex_unlock(&lock);
    return answer;
}
