/** One way to run redis-server on this machine: as a process, or in a container. */
export interface RedisLauncher {
  /** Starts a server and returns at once; the caller finds out when it answers. */
  launch(plan: LaunchPlan): Promise<RedisInstance>;
}

export interface LaunchPlan {
  /** The port on 127.0.0.1 where clients reach it. */
  port: number;
  /** An existing folder for its data and its log. */
  dir: string;
  /** Settings as in redis.conf; a value with spaces is several words, an empty one is `''`. */
  config: Record<string, string>;
  /** Run as a sentinel, which keeps what it knows in a file of settings of its own. */
  sentinel?: boolean;
}

export interface RedisInstance {
  /** As the server itself reports it (`process_id` of INFO); within a container, its id in there. */
  readonly pid: number;
  /** Settles when the server is gone, however that came about, with all that it printed. */
  readonly exited: Promise<string>;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
}

/** `{ save: '60 1' }` as command line words: `--save 60 1`. */
export function configWords(config: Record<string, string>): string[] {
  return Object.entries(config).flatMap(([key, value]) => [`--${key}`, ...value.split(' ')]);
}
