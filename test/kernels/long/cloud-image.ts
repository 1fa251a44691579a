/**
 * The long form: stock cloud images as virtual machines, from `vpc vm image import` on. Their cloud-init gets keys and
 * user data from the metadata service, once as NoCloud by URL and once as EC2; systemd-resolved takes the resolver that
 * DHCP and RA announce; `vpc vm ssh` logs in.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite, test, before, after } from 'node:test'
import { promisify } from 'node:util'
import { generateId } from '#abi/id.ts'
import { vpcProgram } from '#system/background.ts'
import { TestHost } from '../../daemon/test-host.ts'
import { cloudImage } from '../../vm/cloud-image.ts'

const create = { create: true, write: true } as const
const ids = { nocloud: 'ec2f0000-0000-4000-8000-00000000000a', ec2: 'ec2f0000-0000-4000-8000-00000000000b' } as const
type Machine = keyof typeof ids
const addresses = { nocloud: ['10.1.0.5', 'fd01::5'], ec2: ['10.1.0.6', 'fd01::6'] } as const
/** Both boot at once, without KVM. */
const bootMs = 900_000

let host: TestHost
const keyOf = (name: string): string => join(host.directory, name)

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Run `vpc` as on the host. */
async function vpc(...words: string[]): Promise<Ran> {
  const env = {
    ...process.env,
    VPC_SOCKET: host.socketPath,
    VPC_VM_DIR: join(host.directory, 'vm'),
    VPC_IMAGE_DIR: join(host.directory, 'images'),
  }
  try {
    const argv = ['netns', 'exec', host.netns, ...vpcProgram, ...words]
    return { code: 0, ...(await promisify(execFile)('ip', argv, { env, timeout: 120_000 })) }
  } catch (error) {
    const { code, stdout, stderr } = error as Ran
    return { code, stdout, stderr }
  }
}

async function ok(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await vpc(...words)
  assert.equal(code, 0, `vpc ${words.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

const ssh = (machine: Machine, command: string, key = 'key', ...login: string[]): Promise<Ran> =>
  vpc('vm', 'ssh', ...login, ids[machine], '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=60', '-i', keyOf(key), command)

/** Output of a command in the guest, which must succeed. */
async function inside(machine: Machine, command: string): Promise<string> {
  const { code, stdout, stderr } = await ssh(machine, command, 'key', '--login=debian')
  assert.equal(code, 0, `${command}: ${stdout}${stderr}`)
  return stdout
}

/** Until cloud-init has done all that it does. */
async function booted(machine: Machine): Promise<void> {
  const end = performance.now() + bootMs
  for (;;) {
    const { stdout, stderr } = await ssh(machine, 'cat /run/cloud-init/result.json', 'key', '--login=debian')
    if (stdout.includes('errors')) return
    if (performance.now() > end)
      throw new Error(`not booted: ${stderr}\n${(await ok('vm', 'console', ids[machine], '--log')).slice(-6000)}`)
    await sleep(3000)
  }
}

async function makeNetwork(): Promise<Record<Machine, string>> {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  await using router = await host.vpc.openRouter(generateId('vpcrtr'), create)
  await using subnet = await host.vpc.openSubnet(generateId('subnet'), create)
  await sw.setVni(41)
  await subnet.setPrefix4('10.1.0.0/24')
  await subnet.setPrefix6('fd01::/64')
  await subnet.setSwitch(sw.id)
  await subnet.setRouter(router.id)
  for (const name of ['Dhcp', 'Ra', 'Managed', 'Metadata', 'Resolver'] as const) await subnet[`set${name}`](true)
  await subnet.setDomain('guests.example')
  for (const object of [sw, router, subnet]) await object.commit()
  const vmnics: Partial<Record<Machine, string>> = {}
  for (const machine of Object.keys(ids) as Machine[]) {
    await using vmnic = await host.vpc.openVmnic(generateId('vmnic'), create)
    await vmnic.commit()
    const portId = generateId('vpcp')
    await sw.addPort(portId)
    await using port = await host.vpc.openPort(portId, { write: true })
    await port.connect(vmnic.id)
    await port.setAddresses([...addresses[machine]])
    await port.setHostname(machine)
    await port.setSshKeys(execFileSync('cat', [`${keyOf('key')}.pub`], { encoding: 'utf8' }).trim())
    await port.setUserData(`#cloud-config\nwrite_files: [{path: /srv/done, content: "${machine} has it"}]\n`)
    vmnics[machine] = vmnic.id
  }
  return vmnics as Record<Machine, string>
}

async function bootBoth(): Promise<void> {
  const { disk, kernel, initrd } = cloudImage()
  host = TestHost.create()
  await host.start()
  for (const name of ['key', 'other']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyOf(name)])
  const vmnics = await makeNetwork()
  await ok('vm', 'image', 'import', disk, '--name=debian-12')
  const common = ['--image=debian-12', '--memory=512', '--accel=tcg']
  await ok('vm', 'create', `--vm-id=${ids.nocloud}`, `--vmnic-id=${vmnics.nocloud}`, '--disk-size=2', ...common)
  const words = `--append=root=/dev/vda1 ro console=ttyS0 quiet ci.ds=Ec2`
  const boot = [`--kernel=${kernel}`, `--initrd=${initrd}`, words, '--seed=disk']
  await ok('vm', 'create', `--vm-id=${ids.ec2}`, `--vmnic-id=${vmnics.ec2}`, ...boot, ...common)
  for (const machine of Object.keys(ids) as Machine[]) await ok('vm', 'run', `--vm-id=${ids[machine]}`)
  await Promise.all([booted('nocloud'), booted('ec2')])
}

suite('cloud images', { timeout: 2 * bootMs }, () => {
  before(bootBoth)
  after(async () => {
    for (const id of Object.values(ids)) await vpc('vm', 'destroy', `--vm-id=${id}`)
    await host[Symbol.asyncDispose]()
  })

  for (const [machine, datasource] of [
    ['nocloud', 'nocloud'],
    ['ec2', 'ec2'],
  ] as const)
    test(`cloud-init takes the metadata service for ${machine}: key, host name, user data`, async () => {
      assert.equal(await inside(machine, 'cloud-init query platform'), `${datasource}\n`)
      assert.equal(await inside(machine, 'hostname; cat /srv/done'), `${machine}\n${machine} has it`)
      assert.match(await inside(machine, 'cat /run/cloud-init/result.json'), /"errors": \[\]/)
      const stranger = await ssh(machine, 'true', 'other', '--login=debian')
      assert.equal(stranger.code, 255)
      assert.match(stranger.stderr, /Permission denied \(publickey/)
    })

  test('DHCP and RA give addresses, the way, and the resolver of systemd-resolved, which finds the other guest', async () => {
    const shown = await inside('nocloud', 'ip address; ip route; ip -6 route; cat /run/systemd/resolve/resolv.conf')
    for (const part of [/inet 10\.1\.0\.5\/24 .*dynamic/, /default via 10\.1\.0\.1 .*proto dhcp/, /default .*via fe80::76:70ff:fe63:1/])
      assert.match(shown, part)
    assert.match(shown, /^nameserver 169\.254\.169\.253$/m)
    assert.match(shown, /^nameserver fd00:ec2::253$/m)
    assert.match(await inside('nocloud', 'resolvectl query ec2.guests.example'), /10\.1\.0\.6/)
    assert.match(
      await inside('nocloud', 'getent ahosts ec2.guests.example && ping -c 2 -W 20 ec2.guests.example'),
      /fd01::6[^]* 0% packet loss/,
    )
  })

  test('a disk that was made larger has a larger file system', async () => {
    const sizes = async (machine: Machine): Promise<number> => Number((await inside(machine, 'df --output=size -m /')).split('\n')[1])
    assert.ok((await sizes('ec2')) < 1024)
    assert.ok((await sizes('nocloud')) > 1500)
  })

  test('ssh takes the login of the image, keeps the key of the guest, and gives the status of the command', async () => {
    assert.equal((await ssh('nocloud', 'whoami; exit 7')).code, 7)
    assert.equal((await ssh('nocloud', 'whoami')).stdout, 'debian\n')
    assert.match(await ok('vm', 'console', ids.nocloud, '--log'), /login:/)
    const refused = await vpc('vm', 'connect', ids.nocloud, '--port=81')
    assert.match(refused.stderr, /cannot connect to port 81 of the guest at 10\.1\.0\.5: nobody listens there/)
  })
})
