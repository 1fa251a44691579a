/** Which versions of etcd may keep a control plane. */

/** Why this version is not fit for use; undefined: it is. */
export function versionWarning(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const number = major * 1e6 + minor * 1e3 + patch
  if (number < 3_005_018) return `etcd ${version} is for tests only: it may lose changes that watches wait for; run 3.5.33 or newer, or 3.6`
  if (number < 3_005_033) return `etcd ${version} has known faults in its access rules; run 3.5.33 or newer, or 3.6`
  return undefined
}
