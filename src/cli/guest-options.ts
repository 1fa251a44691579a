/** Options that name a container: a network namespace by its name, or by a process in it. */
import { existsSync, readlinkSync } from 'node:fs'
import { markProcess } from '#system/process-mark.ts'
import { failure, success } from '#wire/result.ts'
import { Failure, usageFailure } from './failure.ts'
import { integer, text, valueOption } from './option.ts'

export const guestOptions = {
  netns: text('network namespace of the container: a name under /run/netns', 'NAME'),
  pid: integer('a process of the container, whose network namespace it is', 'PID', 1, 4_194_304),
  as: valueOption<string>('name of the interface in the container', {
    placeholder: 'NAME',
    parse: (given) => (/^[^\s/:,]{1,15}$/.test(given) ? success(given) : failure(`'${given}' cannot name an interface`)),
  }).default('eth0', 'eth0'),
}

/** The namespace as a guest has it. Throws a Failure when it is not there, or is this command's own. */
export function guestNetns({ netns, pid }: { readonly netns?: string | undefined; readonly pid?: number | undefined }): string {
  if (netns !== undefined && pid !== undefined) throw usageFailure('give --netns or --pid, not both')
  if (netns !== undefined) return checkName(netns)
  if (pid === undefined) throw usageFailure('name the container: --netns NAME or --pid PID')
  const mark = markProcess(pid)
  if (mark === undefined) throw new Failure('failed', `there is no process ${pid}; is the container running?`, { code: 'ENOENT' })
  if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net'))
    throw new Failure('conflict', `process ${pid} is in this host's own network namespace; name one of the container`, { code: 'EINVAL' })
  return `pid:${mark.pid}:${mark.startTicks}`
}

function checkName(netns: string): string {
  if (netns.includes('/') || !existsSync(`/run/netns/${netns}`))
    throw new Failure('failed', `there is no network namespace ${netns} in /run/netns; ip netns add ${netns} makes it, or give --pid`, {
      code: 'ENOENT',
    })
  return netns
}
