import { type Client, Connection } from 'pg';

/** The request is of use while somebody waits for the statement, and that is not long. */
const MOST_MS = 2_000;

/**
 * Asks the server to cancel what runs on a connection. The request goes over a connection of its own and has no answer;
 * the statement fails with SQLSTATE 57014 if it was still running. Poolers hand it on.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function cancelStatement(client: Client): void {
  const { processID, secretKey, host, port, ssl, sslNegotiation } = client as unknown as Target;
  const connection = new Connection({ ssl, sslNegotiation } as object) as unknown as Wire;
  const close = (): void => {
    clearTimeout(limit);
    connection.stream.destroy();
  };
  const limit = setTimeout(close, MOST_MS).unref(); // nor does the process stay for it
  const cancel = (): void => connection.cancel(processID, secretKey);
  connection.on('error', close);
  connection.on('end', close); // the server closes it when it has passed the request on
  connection.on('connect', () => {
    if (!ssl) cancel();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  connection.on('sslconnect', cancel);
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  connection.stream.unref();
}

/** Of node-postgres' `Client`. */
interface Target {
  processID: number;
  secretKey: number;
  host: string;
  port: number;
  ssl: boolean | object;
  sslNegotiation: string;
}

/** Of node-postgres' `Connection`. */
interface Wire {
  stream: { destroy(): void; unref(): void };
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}
