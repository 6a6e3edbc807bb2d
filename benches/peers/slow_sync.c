// A disk whose syncs take 2 ms more, for programs that load this first (LD_PRELOAD): what PostgreSQL's commit_delay does, for
// SQLite.
#include <sys/syscall.h>
#include <unistd.h>

static int slowly(long call, int file) {
  int result = (int)syscall(call, file);
  usleep(2000);
  return result;
}

int fsync(int file) { return slowly(SYS_fsync, file); }

int fdatasync(int file) { return slowly(SYS_fdatasync, file); }
