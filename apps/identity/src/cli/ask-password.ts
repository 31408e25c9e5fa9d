import askHidden from '@inquirer/password';
import process from 'node:process';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';

/** The password, typed twice without being shown; or all of standard input when that is no terminal. */
export async function askPassword(signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) return (await text(addAbortSignal(signal, process.stdin))).replace(/\r?\n$/, '');
  for (;;) {
    const password = await askHidden({ message: 'Password:', mask: false }, { signal });
    if (password === (await askHidden({ message: 'Once more:', mask: false }, { signal }))) return password;
    process.stderr.write('The two are not the same.\n');
  }
}
