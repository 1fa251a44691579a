/** Makes the root of a Debian 13 with podman 5, while there is a network: the test runs without one. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { rootArchive } from './trixie.ts'

if (!existsSync(rootArchive)) {
  mkdirSync(dirname(rootArchive), { recursive: true })
  const half = rootArchive.replace(/\.tar$/, '-half.tar')
  const packages = 'podman,netavark,conmon,runc,iproute2,libatomic1,libstdc++6'
  const lean = '--aptopt=APT::Install-Recommends "false"'
  execFileSync('mmdebstrap', ['--variant=essential', `--include=${packages}`, lean, 'trixie', half], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  renameSync(half, rootArchive)
}
