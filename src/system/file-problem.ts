/** What the kernel says about a file, in words. */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'it exists',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ENOEXEC: 'it is not a program that this machine can run',
  EBUSY: 'it is in use, or a mount point',
  ENOTEMPTY: 'it is a directory with files',
  ETXTBSY: 'somebody writes it at the moment',
}

const verbs: Readonly<Record<string, string>> = {
  mkdir: 'make directory',
  open: 'open',
  scandir: 'read',
  read: 'read',
  rename: 'replace',
  rm: 'remove',
  rmdir: 'remove',
  unlink: 'remove',
}

/** Words for an errno; its name where there are none. */
export const errnoWords = (code: string): string => words[code] ?? code

/** Whether an errno says that this user may not. */
export const isDenied = (code: string | undefined): boolean => code === 'EACCES' || code === 'EPERM'

/** Why a file cannot be read or written: the words of an error of Node's functions. */
export const fileProblem = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return message
  return code === '' ? wordsOfRm(message) : errnoWords(code)
}

/** rmSync of Node has no code for most errnos: `, Unknown error: Device or resource busy '/mnt'`. */
function wordsOfRm(message: string): string {
  const [, said = message] = /Unknown error: ([^']+) '/.exec(message) ?? []
  return said === 'Device or resource busy' ? words.EBUSY! : said.charAt(0).toLowerCase() + said.slice(1)
}

/** A sentence about an error of Node's file functions: what failed, on which file, and why. */
export function fileSentence(error: NodeJS.ErrnoException): string {
  const { syscall = 'use', path } = error
  const what = `cannot ${verbs[syscall] ?? syscall}${path === undefined ? '' : ` '${path}'`}`
  return `${what}: ${fileProblem(error)}`
}
