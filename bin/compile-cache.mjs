/** Compiled modules on disk, for a quick start: in a directory that nobody else can write to, or not at all. */
import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Use the cache if a private place for it is found. What is read there is run, so anything in doubt means no cache.
 * `part`: a word for one of several things that a program does. The cache has the functions that were used when it was
 * written, so each part has its own.
 */
export function useCompileCache(part = '') {
  for (const base of candidates()) {
    try {
      const directory = join(base, 'vpc', 'compiled', part)
      if (!isOursOnly(realpathSync(nearestExisting(directory)))) continue
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const real = realpathSync(directory)
      if (!isOursOnly(real) || (lstatSync(real).mode & 0o077) !== 0) continue
      enableCompileCache(real)
      return
    } catch {
      // Read-only, or no such user: the next one, or none.
    }
  }
}

function* candidates() {
  if (process.env.XDG_CACHE_HOME?.startsWith('/')) yield process.env.XDG_CACHE_HOME
  // The home of the user that we are, which under sudo $HOME need not be.
  try {
    yield join(userInfo().homedir, '.cache')
  } catch {
    // A uid without an entry in passwd.
  }
  yield `/run/user/${process.getuid()}`
}

const nearestExisting = (path) => (existsSync(path) ? path : nearestExisting(dirname(path)))

/** Whether nobody but us and root can write to a directory, or put another in its place. */
function isOursOnly(real) {
  const { uid, mode } = lstatSync(real)
  if ((uid !== process.getuid() && uid !== 0) || (mode & 0o022) !== 0) return false
  return real === dirname(real) || isOursOnly(dirname(real))
}
