/** `vpc vm connect`. */
import { pipeline } from 'node:stream/promises'
import { connectGuest } from '#vm/guest-way.ts'
import { command } from '../../command.ts'
import { integer } from '../../option.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, seconds, vmDir, vmId, vmName } from '../../vm-options.ts'
import { wayToVm } from '../../vm-way.ts'

export default command({
  path: 'vm connect',
  summary: 'connect to a TCP port of a guest of this host',
  description: `Sends its input to a port of the guest, and prints what comes back, as a ProxyCommand of ssh does. The guest needs no route to
    this host: it sees the address of the metadata service, 169.254.169.254 or fd00:ec2::254. Its security groups are not asked. Its
    subnet must have metadata, and the guest must have asked metadata or DNS once since its port was made. 16 connections to a guest
    are possible at the same time.`,
  positionals: [vmName],
  options: {
    vmId,
    port: integer('the port', 'PORT', 1, 65_535).default(22),
    timeout: seconds('how long to wait for an answer', 10),
    vmDir,
  },
  examples: [{ line: 'vpc vm connect web1 --port=80', does: 'talk to the web server of the guest' }],
  async run({ port, timeout, ...which }, { vpc }, [name]) {
    const directory = directoryOf(which, name)
    await tellingVmErrors(async () => {
      const socket = await connectGuest(await wayToVm(directory, await vpc()), port, timeout * 1000)
      pipeline(process.stdin, socket).catch(() => {})
      await pipeline(socket, process.stdout, { end: false })
    })
    process.exit(0)
  },
})
