import { resolve } from 'node:path';
import { cleanEnv, EnvError, type ReporterOptions } from 'envalid';
import { crossVariableRules } from './cross-variable-rules.js';
import { type Environment, type SettingsValues, type VariableName, variables } from './environment.js';
import { InvalidSettings } from './invalid-settings.js';
import { misspeltNames } from './misspelt-names.js';
import { readSecretFiles } from './secret-files.js';
import { Settings } from './settings.js';

/**
 * Reads and checks the environment. Variables of other programs are ignored. An empty variable counts as absent, because
 * docker-compose passes unset variables as empty. A secret may come from the file that its `…_FILE` variable names.
 * Relative directories and files are resolved against `cwd`.
 *
 * @throws {InvalidSettings} with every mistake, without values, and the names that look misspelt.
 */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string = process.cwd()): Settings {
  const secrets = readSecretFiles(env, cwd);
  const read = cleanEnv(given(secrets.env), variables, {
    reporter: (report: ReporterOptions<typeof variables>) => {
      const problems = problemsOf(report, secrets.problems);
      if (problems.length > 0) throw new InvalidSettings([...problems, ...misspeltNames(env)]);
    },
  });
  const context = { cwd, dataDir: resolve(cwd, read.DATA_DIR) };
  const values = (Object.keys(variables) as VariableName[]).map((name) => {
    const { field, settle } = variables[name];
    return [field, (settle as (value: unknown, by: typeof context) => unknown)(read[name], context)];
  });
  return new Settings(Object.fromEntries(values) as SettingsValues);
}

/** Usher's variables, without the empty ones. NODE_ENV is explicit, because envalid takes its absence for production. */
function given(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = Object.keys(variables)
    .map((name) => [name, env[name]] as const)
    .filter(([, value]) => value !== undefined && value !== '');
  return { NODE_ENV: 'development', ...Object.fromEntries(ours) };
}

/** In place of envalid's reporter, which prints and ends the process. */
function problemsOf(
  { errors, env }: ReporterOptions<typeof variables>,
  fileProblems: ReadonlyMap<VariableName, string>,
): string[] {
  const single = (Object.keys(variables) as VariableName[]).flatMap((name) => {
    const error = errors[name];
    return fileProblems.get(name) ?? (error ? `${name}: ${expectation(error)}` : []);
  });
  const cross = crossVariableRules
    .filter(({ about }) => !about.some((name) => name in errors || fileProblems.has(name)))
    .filter(({ isBroken }) => isBroken(env as Environment))
    .map(({ problem }) => problem);
  return [...single, ...cross];
}

/** Only messages of this library's formats are known to contain no values; any other error is a defect here. */
function expectation(error: Error): string {
  if (!(error instanceof EnvError)) throw error;
  return error.message;
}
