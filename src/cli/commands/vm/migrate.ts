/** `vpc vm migrate`. */
import { agentStateDir } from '../../agent-state-dir.ts'
import { hostName } from '../../cloud/attach-vnic.ts'
import { findVm } from '../../cloud/guest-vm.ts'
import { clientOf } from '../../cloud/resource-actions.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'
import { Failure } from '../../failure.ts'
import { flag, integer, text } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { thisHost } from '../../this-host.ts'
import { moveGuest } from '../../vm-migrate.ts'
import { baseOf, vmDir } from '../../vm-options.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import type { Resource } from '#resource/envelope.ts'

export default command({
  path: 'vm migrate',
  summary: 'move a running guest of the cloud to another host',
  description: `Run it as root on the host of the guest. It runs vpc vm receive on the other host by ssh, or by the command of --shell, and
    sends the guest through that. The guest runs here until all but little of its memory is there. Then packets for it go to the other
    host, where they wait until it runs, a moment later.

    Both hosts need the same QEMU, and the guest's kernel and initrd under the same paths. A disk that is a copy of an image goes along:
    it is copied first, while the guest runs. Both hosts need any other disk under the same path, as with a file server; with --copy-disk
    the guest gets a copy of it there, for itself alone, and the disk here stays as it is.

    When a step fails, or Ctrl-C stops the command, the guest runs on here and nothing of it is left there. When the command itself is
    killed, the same command again finishes the move, or begins anew.`,
  positionals: [{ name: 'NAME', help: 'its name in the cloud' }],
  options: {
    to: text('the host that it moves to', 'HOST', { names: 'host' }).required,
    shell: text('command that runs its further words on that host', 'COMMAND').defaultsTo("ssh root@ and the host's underlay address"),
    copyDisk: flag('copy the disk: the hosts do not share it'),
    account: text('the account that has it', 'NAME', { names: 'account' }),
    timeout: integer('seconds to wait for hosts at each step', 'SECONDS', 1, 300).default(30),
    agentStateDir,
    ...common,
    vmDir,
  },
  examples: [
    { line: 'vpc vm migrate web1 --to=h2', does: 'move web1 to host h2' },
    { line: "vpc vm migrate web1 --to=h2 --shell='ssh -p 2222 admin@h2.example sudo'", does: 'reach h2 in another way' },
  ],
  async run(
    { to, shell, copyDisk: copiesDisk, account, timeout: seconds, agentStateDir: stateDir, vmDir: directory, ...values },
    { output, vpc },
    [name],
  ) {
    const base = baseOf(directory)
    const from = await thisHost(stateDir)
    const client = clientOf(values)
    const vm = await findVm(client, name!, account)
    if (vm === undefined)
      throw new Failure('failed', `there is no vm ${name}; vpc cloud vm list shows which there are`, { code: 'not-found' })
    const host = (await client.must<Resource>(`find host ${to}`, 'GET', `/hosts/${encodeURIComponent(to)}`)).body
    const place = { id: host.id, name: host.name ?? host.id }
    const isHere = new VmDirectory(base, vm.id).exists()
    if (vm.host === host.id && (!isHere || from.id === host.id)) {
      // A command that was killed at its very end has not said so.
      if (from.id !== host.id) await client.must('end the migration', 'DELETE', `/vms/${vm.id}/migration`)
      return alreadySo(output, `vm ${name} is on host ${place.name}`, { vm })
    }
    if (vm.host !== from.id && vm.host !== host.id) {
      const there = await hostName(client, vm.host)
      const wayOut = isHere ? `a move there has not ended: repeat it first, with --to=${there}` : 'run this there'
      throw new Failure('conflict', `vm ${name} is on host ${there}, and this is ${from.name}; ${wayOut}`, { code: 'elsewhere' })
    }
    await moveGuest({ client, vm, from, to: place, base, shell: shellOf(shell, host), seconds, copiesDisk, vpc })
    done(output, `vm ${name} runs on host ${place.name}`, { vm: { ...vm, host: host.id } })
  },
})

function shellOf(given: string | undefined, { name, underlay }: Resource): readonly string[] {
  if (given !== undefined) return given.split(/\s+/).filter(Boolean)
  const [first] = underlay as { address: string }[]
  if (first === undefined) throw new Failure('failed', `host ${name} has no address of the underlay; say by --shell how to reach it`)
  // A host that is gone without a word is noticed: what the guest writes waits for it while its disk is copied.
  return ['ssh', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3', `root@${first.address}`]
}
