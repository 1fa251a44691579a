/** Fetches the packages of Incus, while there is a network: the test runs without one. */
import { existsSync, globSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { aptRoot, hostArchitecture, run } from '../../kernels/apt-root.ts'
import { incusPackages, incusRoot } from './incus.ts'

if (!existsSync(incusRoot)) {
  const config = aptRoot({ architecture: hostArchitecture, suites: ['bookworm', 'bookworm-backports'] })
  const half = `${incusRoot}-half`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(join(half, 'packages'), { recursive: true })
  run(
    'apt-get',
    ['-q', '-c', config, '--target-release=bookworm-backports', 'download', ...incusPackages.split(' ')],
    join(half, 'packages'),
  )
  for (const file of globSync(join(half, 'packages/*.deb'))) run('dpkg-deb', ['--extract', file, half])
  renameSync(half, incusRoot)
}
