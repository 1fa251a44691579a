/** `vpc vm ssh`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loginOf } from '#vm/image-store.ts'
import { running } from '#vm/life.ts'
import { command } from '../../command.ts'
import { Failure } from '../../failure.ts'
import { text } from '../../option.ts'
import { sshSettings } from '../../ssh-settings.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir } from '../../vm-options.ts'

export default command({
  path: 'vm ssh',
  summary: 'log in to a guest of this host',
  description: `Runs ssh, by way of vpc vm connect: the guest needs no route to this host, and no rule of its security groups. What follows
    NAME goes to ssh: its options, and a command for the guest. The key of the guest is kept with the machine, and goes with it. As
    the user it takes the one that cloud-init makes in images of known distributions, by the name of the image, or --login.`,
  positionals: [
    { name: 'NAME', help: 'name or id of the machine' },
    { name: 'ARGS', help: 'options of ssh, and a command', isRest: true, isOptional: true },
  ],
  options: { login: text('user to log in as', 'USER').defaultsTo("that of the image's distribution"), vmDir },
  examples: [
    { line: 'vpc vm ssh web1', does: 'a shell in the guest' },
    { line: 'vpc vm ssh --login=root web1 -- -i id_ed25519 uptime', does: 'one command, with a key of a file' },
  ],
  async run({ login, vmDir: base }, { global: { socket } }, [name, ...rest]) {
    const words = rest[0] === '--' ? rest.slice(1) : rest
    const directory = directoryOf({ vmDir: base, vmId: undefined }, name)
    const { id, image } = await tellingVmErrors(async () => (await running(directory)).definition())
    const user = login ?? loginOf(image)
    const settings = sshSettings({ id, directory: directory.path, vmDir: base, socket, user })
    const child = spawn('ssh', [...settings, name!, ...words], { stdio: 'inherit' })
    const [code] = (await once(child, 'exit').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      throw new Failure('failed', 'ssh is not there; install it: apt-get install openssh-client', { code: 'ENOENT' })
    })) as [number | null]
    process.exit(code ?? 255)
  },
})
