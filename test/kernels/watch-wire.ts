/** What can be seen between the two hosts of a pair, and the text that must not be among it in clear. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Pair } from './pair.ts'

/** A text that containers send, and that must not be seen on the wire. */
export const secret = 'the-quick-brown-fox-jumps'

/** The payload of `ping -p` that it fits into. */
export const secretPattern = Buffer.from(secret).toString('hex').slice(0, 32)

/** What was seen between two hosts: the protocols, and whether the text was among it. */
export interface Seen {
  readonly packets: string
  readonly clear: boolean
}

/** Watch the wire while something is done. `filter`: an expression of pcap-filter(7). */
export async function watchWire({ wire }: Pair, during: () => Promise<unknown>, filter = 'not arp'): Promise<Seen> {
  const tcpdump = spawn('tcpdump', ['-i', wire, '-n', '-A', '-s', '0', '-l', '--immediate-mode', filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(tcpdump, 'exit')
  let [packets, words] = ['', '']
  tcpdump.stdout.on('data', (chunk: Buffer) => (packets += chunk.toString('latin1')))
  const listens = Promise.withResolvers<void>()
  // Read to its end: tcpdump dies of a message that nobody takes.
  tcpdump.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString()
    if (words.includes('listening')) listens.resolve()
  })
  const died = exited.then(([code, signal]) => {
    throw new Error(`tcpdump ended with ${code ?? signal}: ${words}`)
  })
  died.catch(() => {})
  try {
    await Promise.race([listens.promise, died])
    await Promise.race([during(), died])
  } finally {
    tcpdump.kill('SIGINT')
    await exited
  }
  return { packets, clear: packets.includes(secret.slice(0, 16)) }
}
