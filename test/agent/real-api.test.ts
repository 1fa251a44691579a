/** The real API, real agents that have joined, and real vpcds: guests talk by nothing but commands of the cloud. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { assertNothingLost, countDuring } from '../recovery/counted-traffic.ts'
import { runVpc, vpcPath } from '../cli/run-vpc.ts'
import { Scene, until, type AgentHost } from './scene.ts'

/** `vpc api` as a process, where hosts reach it. */
class RealApi {
  readonly directory = mkdtempSync(join(tmpdir(), 'vpc-real-api-'))
  readonly #env = { XDG_CONFIG_HOME: join(this.directory, 'config'), VPC_API: '', VPC_TOKEN: '' }
  #child: ChildProcess | undefined
  #ports: readonly [string, string] = ['0', '0']

  async start(): Promise<void> {
    const [port, agents] = this.#ports
    const args = ['--state-dir', join(this.directory, 'state'), '--port', port, '--agent-listen', `192.0.2.254:${agents}`, '--json']
    this.#child = spawn(vpcPath, ['api', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(this.#child.stdout!), 'line')) as [string]
    const found = JSON.parse(line) as { url: string; agents: number }
    this.#ports = [new URL(found.url).port, String(found.agents)]
    this.vpc('login', `--server=${found.url}`, `--token-file=${join(this.directory, 'state', 'admin-token')}`)
  }

  async kill(): Promise<void> {
    const child = this.#child!
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Run `vpc ARGS` as the operator; it must succeed. */
  vpc(...args: string[]): string {
    const { code, stdout, stderr } = runVpc(args, { env: this.#env })
    assert.equal(code, 0, `vpc ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** The same, in words. */
  do(line: string): string {
    return this.vpc(...line.split(' '))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.directory, { recursive: true })
  }
}

suite('a cloud of two hosts', () => {
  let scene: Scene
  const api = new RealApi()
  let [one, two]: AgentHost[] = []
  let ping: (...args: string[]) => string
  const addressOf = (vnic: string): string =>
    (JSON.parse(api.do(`vnic get ${vnic} --account=shop --json`)) as { addresses: string[] }).addresses[0]!

  before(async () => {
    scene = await Scene.start(2)
    ;[one, two] = scene.hosts
    await api.start()
    for (const line of ['region create north', 'facility create f1 --region=north', 'org create acme', 'account create shop --org=acme'])
      api.do(line)
    for (const host of scene.hosts) {
      const [, token, server] = /join (vpcjoin1\S+) (--server=\S+)/.exec(api.do(`host create h${host.n} --facility=f1`))!
      host.asAgent('join', token!, server!, '--state-dir', host.agentDir)
      host.startAgent({ joined: true })
    }
  })
  after(async () => {
    await scene[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  /** Wait for the interface of a vnic that came to a host, and give it to a guest. */
  async function guest(host: AgentHost, name: string, vnic: string): Promise<(...command: string[]) => string> {
    const unit = await until(`an interface for ${vnic}`, () => host.host.devices().find((device) => device.startsWith('hostif')))
    return host.host.guest(name, unit, `${addressOf(vnic)}/24`)
  }

  test('guests of two hosts talk by names alone', async () => {
    api.do('vpc create red --account=shop')
    api.do('cloud subnet create web --vpc=red --network4=10.0.0.0/24')
    for (const [vnic, host] of [
      ['web1', 'h1'],
      ['web2', 'h2'],
    ]) {
      api.do(`vnic create ${vnic} --account=shop --subnet=web`)
      api.do(`vnic plug ${vnic} --account=shop --host=${host}`)
    }
    ping = await guest(one!, 'web1', 'web1')
    await guest(two!, 'web2', 'web2')
    await until('an answer', () => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('web2')} || true`).includes(' 0% packet loss'))
  })

  test('API, agents and vpcds are killed at once under traffic: nothing is lost, and what comes then is done', async () => {
    const [from, to] = [one!.host.guestName('web1'), two!.host.guestName('web2')]
    const count = await countDuring(from, to, addressOf('web2'), async () => {
      await Promise.all([api.kill(), ...scene.hosts.flatMap((host) => [host.killAgent(), host.killVpcd()])])
      await Promise.all([api.start(), ...scene.hosts.map((host) => host.startVpcd())])
      for (const host of scene.hosts) host.startAgent({ joined: true })
      api.do('vnic create web3 --account=shop --subnet=web')
      api.do('vnic plug web3 --account=shop --host=h2')
      await guest(two!, 'web3', 'web3')
    })
    assertNothingLost(count)
    await until('an answer', () => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('web3')} || true`).includes(' 0% packet loss'))
  })

  test('a vnic that is plugged in elsewhere leaves the one host and comes to the other', async () => {
    api.do('vnic plug web3 --account=shop --host=h1')
    await guest(one!, 'web3', 'web3')
    await until('an answer', () => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('web3')} || true`).includes(' 0% packet loss'))
    const left = await until('one port on the other', () => {
      const ports = JSON.parse(two!.ok('switch', 'port', 'list', '--json')) as unknown[]
      return ports.length === 1 && ports
    })
    assert.match(JSON.stringify(left), new RegExp(addressOf('web2')))
    for (const host of scene.hosts) assert.match(host.vpc('agent', 'status', '--state-dir', host.agentDir).stdout, /errors +0/)
  })
})
