/** A Kubernetes of one node: its API server on an etcd, and a kubelet that speaks to containerd. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { store } from '../../kernels/apt-root.ts'
import { type Machine, until } from '../../cli/machines.ts'

/** Where the programs are built, and which. */
export const kubernetesVersion = 'v1.20.2'
export const kubernetesRoot = join(store, `kubernetes-${kubernetesVersion}`)
export const kubernetesPrograms = ['kubelet', 'kube-apiserver', 'kubectl'] as const

/** The kubelet sets these for the whole machine. */
const sysctls = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops'].map((name) => `/proc/sys/${name}`)
const token = 'of-the-test'
const api = 'https://127.0.0.1:6443'

type Program = 'etcd' | 'kube-apiserver' | 'kubelet'

/** What the test reads of a pod. */
export interface Pod {
  readonly status: {
    readonly phase: string
    readonly podIP?: string
    readonly podIPs?: readonly { readonly ip: string }[]
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly ready: boolean }[]
  }
}

export class Kubernetes implements AsyncDisposable {
  readonly #machine: Machine
  readonly #address: string
  readonly #containerd: string
  readonly directory: string
  readonly #before = sysctls.map((path) => readFileSync(path, 'utf8'))
  readonly #running = new Map<Program, ChildProcess>()

  /** On a machine, by its address there, with the socket of a containerd. */
  constructor(machine: Machine, address: string, containerd: string) {
    this.#machine = machine
    this.#address = address
    this.#containerd = containerd
    this.directory = join(machine.directory, 'kubernetes')
    mkdirSync(this.directory)
  }

  /** Start all of it, and wait until its node is ready. */
  async start(): Promise<void> {
    this.#spawn('etcd', [`--data-dir=${join(this.directory, 'etcd')}`, '--log-level=error'], 'etcd')
    this.#startApi()
    await until('the API server answers', () => this.kubectl('get', '--raw=/readyz').status === 0)
    this.startKubelet()
    await until('the node is ready', () => this.#isReady(), 120_000)
  }

  #spawn(program: Program, args: readonly string[], path = join(kubernetesRoot, program)): void {
    const log = openSync(join(this.directory, `${program}.log`), 'a')
    const words = [`--net=/run/netns/${this.#machine.netns}`, path, ...args]
    this.#running.set(program, spawn('nsenter', words, { stdio: ['ignore', log, log] }))
  }

  #startApi(): void {
    const key = join(this.directory, 'accounts.key')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
    const tokens = join(this.directory, 'tokens')
    writeFileSync(tokens, `${token},admin,1,system:masters\n`, { mode: 0o600 })
    this.#spawn('kube-apiserver', [
      '--etcd-servers=http://127.0.0.1:2379',
      `--advertise-address=${this.#address}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(this.directory, 'api')}`,
      '--service-cluster-ip-range=10.96.0.0/24',
      '--service-account-issuer=https://kubernetes.default',
      `--service-account-signing-key-file=${key}`,
      `--service-account-key-file=${key}`,
      `--token-auth-file=${tokens}`,
      '--kubelet-preferred-address-types=InternalIP',
      // Pods need no token of an account, which a controller would make.
      '--disable-admission-plugins=ServiceAccount',
    ])
  }

  /** Start the kubelet, also again. */
  startKubelet(): void {
    const config = join(this.directory, 'kubelet.yaml')
    writeFileSync(config, JSON.stringify(kubeletConfig))
    this.#spawn('kubelet', [
      `--config=${config}`,
      `--kubeconfig=${this.#kubeconfig()}`,
      `--root-dir=${join(this.directory, 'kubelet')}`,
      `--cert-dir=${join(this.directory, 'kubelet-certificates')}`,
      '--container-runtime=remote',
      `--container-runtime-endpoint=unix://${this.#containerd}`,
      '--hostname-override=h1',
      `--node-ip=${this.#address}`,
    ])
  }

  #kubeconfig(): string {
    const path = join(this.directory, 'kubeconfig')
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: api, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    }
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
    return path
  }

  /** Its own command. */
  kubectl(...args: string[]): SpawnSyncReturns<string> {
    return this.#kubectl(args)
  }

  #kubectl(args: readonly string[], input?: string): SpawnSyncReturns<string> {
    const words = [
      `--net=/run/netns/${this.#machine.netns}`,
      join(kubernetesRoot, 'kubectl'),
      `--kubeconfig=${this.#kubeconfig()}`,
      ...args,
    ]
    return spawnSync('nsenter', words, { encoding: 'utf8', timeout: 90_000, input, env: { ...process.env, HOME: this.directory } })
  }

  /** The same; it must succeed. Gives what it prints. */
  ok(...args: string[]): string {
    const { status, stdout, stderr } = this.#kubectl(args)
    assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  #isReady(): boolean {
    const { status, stdout } = this.kubectl('get', 'node', 'h1', '--output=json')
    const conditions = (status === 0 ? JSON.parse(stdout).status.conditions : []) as { type: string; status: string }[]
    return conditions.some((each) => each.type === 'Ready' && each.status === 'True')
  }

  /** Ask for a pod of one container on the node. */
  apply(name: string, container: object = {}, spec: object = {}): void {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        nodeName: 'h1',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'box', image: 'vpc.test/pod:1', imagePullPolicy: 'Never', ...container }],
        ...spec,
      },
    }
    const { status, stderr } = this.#kubectl(['apply', '--filename=-'], JSON.stringify(pod))
    assert.equal(status, 0, stderr)
  }

  pod(name: string): Pod {
    return JSON.parse(this.ok('get', 'pod', name, '--output=json')) as Pod
  }

  /** Wait until it is ready. Gives its addresses. */
  async ready(name: string): Promise<string[]> {
    await until(
      `pod ${name} is ready`,
      () => {
        const { conditions = [] } = this.pod(name).status
        return conditions.some((each) => each.type === 'Ready' && each.status === 'True')
      },
      120_000,
    )
    return this.pod(name).status.podIPs!.map(({ ip }) => ip)
  }

  log(program: Program): string {
    return readFileSync(join(this.directory, `${program}.log`), 'utf8')
  }

  /** End a program, or kill it. */
  async stop(program: Program, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#running.get(program)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'exit')
    child.kill(signal)
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of ['kubelet', 'kube-apiserver', 'etcd'] as const) await this.stop(program, 'SIGKILL')
    for (const [i, path] of sysctls.entries()) writeFileSync(path, this.#before[i]!)
    // Volumes of pods are mounts.
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
    for (const path of mounts.filter((each) => each.startsWith(`${this.directory}/`)).toReversed()) execFileSync('umount', [path])
  }
}

/** No certificates, no classes of service: they need a kubelet that owns the machine's cgroups. */
const kubeletConfig = {
  kind: 'KubeletConfiguration',
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  address: '0.0.0.0',
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  cgroupDriver: 'cgroupfs',
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failSwapOn: false,
  makeIPTablesUtilChains: false,
  resolvConf: '',
  evictionHard: { 'memory.available': '1Mi' },
}
