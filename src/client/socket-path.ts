/** Which vpcd a client speaks to. */

export const defaultSocketPath = '/run/vpc/vpcd.sock'

/** The socket to use: the explicit one, else that of the environment variable VPC_SOCKET, else the default. */
export function resolveSocketPath(explicit?: string, environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return explicit || environment['VPC_SOCKET'] || defaultSocketPath
}
