/**
 * Builds the programs of Kubernetes out of Debian's source package, while there is a network: the test runs without
 * one. Debian has no kubelet as a package. It takes minutes and 4 GB below build/kernels, of which 250 MB stay.
 */
import { existsSync, globSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { aptRoot, hostArchitecture, run } from '../../kernels/apt-root.ts'
import { kubernetesPrograms, kubernetesRoot, kubernetesVersion } from './kubernetes.ts'

/** Unpack the compiler and the source below a directory. Gives the roots of both. */
function unpack(work: string): { go: string; path: string } {
  const config = aptRoot({ architecture: hostArchitecture, suites: ['bookworm'], hasSources: true })
  const packages = join(work, 'packages')
  mkdirSync(packages, { recursive: true })
  run('apt-get', ['-q', '-c', config, 'download', 'golang-1.19-go', 'golang-1.19-src'], packages)
  run('apt-get', ['-q', '-c', config, 'source', '--download-only', 'kubernetes'], packages)
  for (const file of globSync(join(packages, '*.deb'))) run('dpkg-deb', ['--extract', file, join(work, 'go')])
  const source = join(work, 'path/src/k8s.io/kubernetes')
  mkdirSync(source, { recursive: true })
  run('tar', ['-xf', globSync(join(packages, '*.orig.tar.gz'))[0]!, '-C', source, '--strip-components=1'])
  return { go: join(work, 'go/usr/lib/go-1.19'), path: join(work, 'path') }
}

/** A compiler of Go at work on the source. */
class Go {
  readonly #work: string
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv
  readonly source: string

  constructor(work: string) {
    const { go, path } = unpack(work)
    this.#work = work
    this.#program = join(go, 'bin/go')
    this.source = join(path, 'src/k8s.io/kubernetes')
    // The list of modules is older than this compiler wants: it builds by GOPATH, as Debian does.
    const own = { GOROOT: go, GOPATH: path, GOCACHE: join(work, 'cache'), HOME: work, CGO_ENABLED: '0', GO111MODULE: 'off' }
    this.#env = { ...process.env, PATH: `${join(go, 'bin')}:${process.env['PATH']}`, ...own }
  }

  /** Build a program of the source into a directory of `work`. Gives its path. */
  build(directory: string, name: string, ...flags: string[]): string {
    console.error(`kubernetes: building ${basename(name)}`)
    const into = join(this.#work, directory)
    mkdirSync(into, { recursive: true })
    this.run(this.#program, 'build', '-o', `${into}/`, ...flags, `./${name}`)
    return join(into, basename(name))
  }

  run(program: string, ...args: string[]): void {
    execFileSync(program, args, { cwd: this.source, env: this.#env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

/** The API server wants the schemas of its types, which its own generator makes of those that are marked. */
function generateSchemas(go: Go, work: string): void {
  const found = run('grep', ['-REl', '--include=*.go', '^// *\\+k8s:openapi-gen=true', 'vendor/k8s.io/'], go.source).trim().split('\n')
  const others = /code-generator|sample-apiserver|kube-openapi|zz_generated/
  const packages = new Set(found.filter((file) => !others.test(file)).map((file) => `k8s.io/kubernetes/${dirname(file)}`))
  const output = ['-p', 'k8s.io/kubernetes/pkg/generated/openapi', '-O', 'zz_generated.openapi', '-r', join(work, 'violations')]
  const header = ['-h', 'hack/boilerplate/boilerplate.generatego.txt']
  go.run(go.build('tools', 'vendor/k8s.io/kube-openapi/cmd/openapi-gen'), '-i', [...packages].sort().join(), ...output, ...header)
}

/** The programs, into `work/bin`. */
function build(work: string): void {
  const go = new Go(work)
  generateSchemas(go, work)
  const [major, minor] = kubernetesVersion.slice(1).split('.')
  const names = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor }
  const words = Object.entries(names).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  for (const program of kubernetesPrograms) go.build('bin', `cmd/${program}`, '-ldflags', ['-s -w', ...words].join(' '))
}

if (!existsSync(kubernetesRoot)) {
  const work = `${kubernetesRoot}-half`
  rmSync(work, { recursive: true, force: true })
  build(work)
  renameSync(join(work, 'bin'), kubernetesRoot)
  rmSync(work, { recursive: true })
}
