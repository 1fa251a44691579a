/** The real API, with agents that have joined it. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runVpc, vpcPath } from '../cli/run-vpc.ts'
import type { AgentHost } from './scene.ts'

/** `vpc api` as a process, where hosts reach it. */
export class RealApi implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'vpc-real-api-'))
  /** The operator's: logged in. */
  readonly env = { XDG_CONFIG_HOME: join(this.directory, 'config'), VPC_API: '', VPC_TOKEN: '' }
  /** Lines of its log, of all its lives. */
  readonly log: string[] = []
  readonly #agentAddress: string
  #child: ChildProcess | undefined
  #url = ''
  #ports: readonly [string, string] = ['0', '0']

  constructor(agentAddress = '192.0.2.254') {
    this.#agentAddress = agentAddress
  }

  async start(): Promise<void> {
    const [port, agents] = this.#ports
    const args = [
      '--state-dir',
      join(this.directory, 'state'),
      '--port',
      port,
      '--agent-listen',
      `${this.#agentAddress}:${agents}`,
      '--json',
    ]
    this.#child = spawn(vpcPath, ['api', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#hear(line))
    const [line] = (await once(createInterface(this.#child.stdout!), 'line')) as [string]
    const found = JSON.parse(line) as { url: string; agents: number }
    this.#url = found.url
    this.#ports = [new URL(found.url).port, String(found.agents)]
    this.vpc('login', `--server=${found.url}`, `--token-file=${join(this.directory, 'state', 'admin-token')}`)
  }

  #hear(line: string): void {
    this.log.push(line)
    if (!line.includes('"level":"info"')) process.stderr.write(`${line}\n`)
  }

  async kill(): Promise<void> {
    const child = this.#child!
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Run `vpc ARGS` as the operator; it must succeed. */
  vpc(...args: string[]): string {
    const { code, stdout, stderr } = runVpc(args, { env: this.env })
    assert.equal(code, 0, `vpc ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** Run what words say; it must be refused. Gives why. */
  refused(line: string): string {
    const { code, stderr } = runVpc(line.split(' '), { env: this.env })
    assert.notEqual(code, 0, line)
    return stderr
  }

  /** Run what words say; it must succeed. */
  do(line: string): string {
    return this.vpc(...line.split(' '))
  }

  /** Follow `vpc ARGS --json`: the objects that it has printed so far. */
  follow<T>(...args: string[]): { readonly seen: T[]; end(): Promise<void> } {
    const child = spawn(vpcPath, [...args, '--json'], { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'inherit'] })
    const seen: T[] = []
    createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line) as T))
    const end = async (): Promise<void> => {
      const gone = once(child, 'exit')
      child.kill('SIGINT')
      assert.deepEqual(await gone, [null, 'SIGINT'])
    }
    return { seen, end }
  }

  /** Make resources by requests, which are quicker than commands: paths with bodies, one after the other. */
  async make(...resources: readonly (readonly [plural: string, body: object])[]): Promise<void> {
    const token = readFileSync(join(this.directory, 'state', 'admin-token'), 'utf8').trim()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    for (const [plural, body] of resources) {
      const answer = await fetch(`${this.#url}/v1/${plural}`, { method: 'POST', headers, body: JSON.stringify(body) })
      assert.equal(answer.status, 201, await answer.text())
    }
  }

  /** Ask for something by a request. */
  async get(path: string): Promise<unknown> {
    const token = readFileSync(join(this.directory, 'state', 'admin-token'), 'utf8').trim()
    const answer = await fetch(`${this.#url}/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal(answer.status, 200, path)
    return answer.json()
  }

  /** Have machines join as h1, h2, …, and start their agents. */
  join(hosts: readonly AgentHost[], facility = 'f1'): void {
    for (const host of hosts) {
      const [, token, server] = /join (vpcjoin1\S+) (--server=\S+)/.exec(this.do(`host create h${host.n} --facility=${facility}`))!
      host.asAgent('join', token!, server!, '--state-dir', host.agentDir)
      host.startAgent({ joined: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.directory, { recursive: true })
  }
}
