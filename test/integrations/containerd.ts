/** A containerd of a test's own, and its Container Runtime Interface: the test is to it what a kubelet would be. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { type Machine, until } from '../cli/machines.ts'
import { cniNetwork, type CloudScene } from './cloud-scene.ts'
import { makeArchive } from './image.ts'

const proto = fileURLToPath(new URL('cri.proto', import.meta.url))
const plugin = fileURLToPath(new URL('../../bin/vpc-cni.mjs', import.meta.url))
const image = 'vpc.test/pod:1'

export interface Exec {
  readonly code: number
  readonly out: string
}

export class Containerd {
  readonly directory: string
  readonly #confDir: string
  readonly #machine: Machine
  readonly #binDir: string
  readonly #service: protobuf.Service
  #child: ChildProcess | undefined
  #client: Client | undefined

  /** Plugins are looked for in `binDir`; networks in `confDir`. */
  private constructor(machine: Machine, binDir: string) {
    this.#machine = machine
    this.#binDir = binDir
    this.directory = join(machine.directory, 'containerd')
    this.#confDir = join(this.directory, 'net.d')
    mkdirSync(this.#confDir, { recursive: true })
    this.#service = protobuf.loadSync(proto).resolveAll().lookupService('runtime.v1.RuntimeService')
  }

  /** One for h1 of a cloud, which will give pods interfaces in the cloud's subnet. */
  static ofCloud(cloud: CloudScene): Containerd {
    const bin = join(cloud.h1.directory, 'cni-bin')
    mkdirSync(bin)
    symlinkSync(plugin, join(bin, 'vpc-cni'))
    // containerd gives each pod its loopback by this one.
    symlinkSync('/usr/lib/cni/loopback', join(bin, 'loopback'))
    const containerd = new Containerd(cloud.h1, bin)
    containerd.writeNetwork(JSON.stringify(cniNetwork(cloud, 'red')))
    return containerd
  }

  /** Have this network, from the next look at the directory on. */
  writeNetwork(network: string): void {
    writeFileSync(join(this.#confDir, '10-red.conflist'), network)
  }

  get socket(): string {
    return join(this.directory, 'containerd.sock')
  }

  /** Start it in the network namespace of its machine, and wait until it answers. */
  async start(): Promise<void> {
    const config = join(this.directory, 'config.toml')
    writeFileSync(config, this.#config())
    const log = openSync(join(this.directory, 'log'), 'a')
    this.#child = spawn('nsenter', [`--net=/run/netns/${this.#machine.netns}`, 'containerd', '--config', config], {
      stdio: ['ignore', log, log],
    })
    await until('containerd answers', () => existsSync(this.socket) && this.#isReady())
    this.#client = new Client(`unix://${this.socket}`, credentials.createInsecure())
  }

  #config(): string {
    return `version = 2
root = "${this.directory}/root"
state = "${this.directory}/state"
[grpc]
  address = "${this.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  sandbox_image = "${image}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${this.#binDir}"
    conf_dir = "${this.#confDir}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`
  }

  #isReady(): boolean {
    try {
      this.ctr('version')
      return true
    } catch {
      return false
    }
  }

  /** Its own command. */
  ctr(...args: string[]): string {
    return execFileSync('ctr', ['--address', this.socket, '--namespace=k8s.io', ...args], {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: 'pipe',
    })
  }

  /** Have the image of pods and containers. */
  importImage(): void {
    this.ctr('images', 'import', makeArchive(this.directory, image, ['/bin/sleep', '100000']))
  }

  get log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8')
  }

  /** End it as a service manager does, or kill it. Pods go on. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#client?.close()
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'exit')
    child.kill(signal)
    await closed
  }

  /** One call of its RuntimeService. */
  call(method: string, input: object): Promise<any> {
    const { requestType, responseType } = this.#service.methods[method]!
    const [request, response] = [requestType, responseType].map((name) => this.#service.parent!.lookupType(name))
    return new Promise((resolve, reject) =>
      this.#client!.makeUnaryRequest(
        `/runtime.v1.RuntimeService/${method}`,
        (value: object) => Buffer.from(request!.encode(request!.fromObject(value)).finish()),
        (bytes: Buffer) => response!.toObject(response!.decode(bytes)),
        input,
        { deadline: Date.now() + 60_000 },
        (error, value) => (error === null ? resolve(value) : reject(error)),
      ),
    )
  }

  /** A pod. Gives its id. */
  async runPod(name: string, attempt = 0): Promise<string> {
    const { podSandboxId } = await this.call('RunPodSandbox', { config: podConfig(name, attempt) })
    return podSandboxId
  }

  /** A pod in the namespace of the node (`hostNetwork: true`), to which a kubelet gives no host name. */
  async runHostPod(name: string): Promise<string> {
    const linux = { securityContext: { namespaceOptions: { network: 2 } } }
    const { podSandboxId } = await this.call('RunPodSandbox', { config: { ...podConfig(name, 0), hostname: '', linux } })
    return podSandboxId
  }

  /** Its addresses, as a kubelet reads them. */
  async addresses(pod: string): Promise<string[]> {
    const { status } = await this.call('PodSandboxStatus', { podSandboxId: pod })
    return [status.network.ip, ...(status.network.additionalIps ?? []).map(({ ip }: { ip: string }) => ip)]
  }

  /** A container in a pod, which sleeps. Gives its id. */
  async runContainer(pod: string, name: string): Promise<string> {
    const config = { metadata: { name }, image: { image }, command: ['/bin/sleep', '100000'] }
    const { containerId } = await this.call('CreateContainer', { podSandboxId: pod, config, sandboxConfig: podConfig(name, 0) })
    await this.call('StartContainer', { containerId })
    return containerId
  }

  /** Run a command in a container. */
  async exec(containerId: string, ...cmd: string[]): Promise<Exec> {
    const { exitCode = 0, stdout = Buffer.alloc(0) } = await this.call('ExecSync', { containerId, cmd, timeout: 30 })
    return { code: exitCode, out: Buffer.from(stdout).toString() }
  }

  /** The ids of a pod's sandboxes: of one that a kubelet has made, too. */
  sandboxesOf(pod: string): string[] {
    const filter = `labels."io.cri-containerd.kind"==sandbox,labels."io.kubernetes.pod.name"==${pod}`
    return this.ctr('containers', 'list', '--quiet', filter).split('\n').filter(Boolean)
  }

  /** End a pod with its containers, and forget it. */
  async removePod(podSandboxId: string): Promise<void> {
    await this.call('StopPodSandbox', { podSandboxId })
    await this.call('RemovePodSandbox', { podSandboxId })
  }
}

const podConfig = (name: string, attempt: number): object => ({
  metadata: { name, uid: `uid-${name}`, namespace: 'default', attempt },
  hostname: name,
  linux: {},
})
