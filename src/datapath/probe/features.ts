/** Whether the kernel has what the datapath needs: tried for real, on a device of a temporary network namespace. */
import { closeSync, existsSync, openSync, statSync, type Stats } from 'node:fs'
import { createTcxLink } from '#kernel/bpf-link.ts'
import { isJited, loadPassOn } from '#kernel/bpf-load.ts'
import { close } from '#kernel/libc.ts'
import { Netlink } from '#kernel/netlink.ts'
import { insideThrowawayNetns } from '#kernel/throwaway-netns.ts'
import { attempt, type Trial } from './trial.ts'

const LOOPBACK_IFINDEX = 1
const btfPath = '/sys/kernel/btf/vmlinux'
/** The number that misc.h and the kernel's device list give to tun. */
const TUN_NUMBER = '10:200'

/** BTF of the kernel. */
export const tryBtf = (): Trial =>
  existsSync(btfPath)
    ? { ok: true, detail: `${btfPath}, ${statSync(btfPath).size} bytes` }
    : { ok: false, detail: `there is no ${btfPath}` }

/** The just-in-time compiler, by the form of a loaded program. */
export const tryJit = (): Trial =>
  attempt(() => {
    const program = loadPassOn()
    try {
      if (!isJited(program)) throw new Error('programs are interpreted')
      return 'programs are compiled'
    } finally {
      close(program)
    }
  })

/** A tcx link on both ways of a device. */
export const tryTcx = (): Trial =>
  attempt(() =>
    insideThrowawayNetns(() => {
      const fds: number[] = []
      try {
        fds.push(loadPassOn())
        fds.push(createTcxLink(fds[0]!, LOOPBACK_IFINDEX, 'ingress'), createTcxLink(fds[0]!, LOOPBACK_IFINDEX, 'egress'))
        return 'links attach'
      } finally {
        for (const fd of fds) close(fd)
      }
    }),
  )

/** A veth pair, what a hostif is. */
export const tryVeth = (): Trial =>
  inNetns((netlink) => {
    netlink.createVeth({ name: 'probe0', peer: 'probe1' })
    return 'pairs can be made'
  })

/** A vxlan device that takes its tunnel from each packet, open on its UDP port. */
export const tryVxlan = (port: number): Trial =>
  inNetns((netlink) => {
    const { ifindex } = netlink.createVxlan({ name: 'probe0', dstPort: port, addrGenModeNone: true })
    netlink.setLink(ifindex, { up: true })
    return 'devices with collected metadata can be made'
  })

/** The device that makes taps. Anything can have its name, and most of it opens. */
export const tryTun = (path = '/dev/net/tun'): Trial =>
  attempt(() => {
    const found = statSync(path)
    if (!found.isCharacterDevice()) throw new Error(`${path} is ${kindOf(found)}, not a character device`)
    const number = `${major(found.rdev)}:${minor(found.rdev)}`
    if (number !== TUN_NUMBER) throw new Error(`${path} is device ${number}, not ${TUN_NUMBER}`)
    closeSync(openSync(path, 'r+'))
    return `${path} opens`
  })

const kindOf = (found: Stats): string => (found.isFile() ? 'a regular file' : found.isDirectory() ? 'a directory' : 'of another kind')

// As glibc combines them, for numbers below 4096 and 1048576.
const major = (device: number): number => Math.floor(device / 256) % 4096
const minor = (device: number): number => (device % 256) + Math.floor(device / 2 ** 20) * 256

const inNetns = (run: (netlink: Netlink) => string): Trial =>
  attempt(() =>
    insideThrowawayNetns(() => {
      using netlink = Netlink.open()
      return run(netlink)
    }),
  )
