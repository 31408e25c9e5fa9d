export interface Served {
  /** 0: no answer at all, the connection failed. */
  status: number;
  /** `X-Cache`: where the answer came from. */
  cache: string | null;
  ms: number;
  /** When the request was made, as `performance.now()` tells it. */
  startedAt: number;
  what: string;
}

/** Requests without a pause, several at a time, for as long as something else goes on. */
export class Load {
  private readonly served: Served[] = [];
  private stopping = false;

  private constructor() {
    // Only `during()` makes one, so that none is left running when a test fails.
  }

  /**
   * @param requests one worker each, who makes the same request again and again; `turn` counts from 0
   * @returns how each request was served
   */
  static async during(
    requests: ((turn: number) => Promise<Response>)[],
    events: (load: Load) => Promise<void>,
  ): Promise<Served[]> {
    const load = new Load();
    const workers = requests.map((request, worker) => load.work(request, worker));
    try {
      await events(load);
    } finally {
      load.stopping = true;
      await Promise.all(workers);
    }
    return load.served;
  }

  /** Resolves when so many more have been served. */
  async more(count: number): Promise<void> {
    const wanted = this.served.length + count;
    while (this.served.length < wanted) await new Promise((resolve) => setImmediate(resolve));
  }

  private async work(request: (turn: number) => Promise<Response>, worker: number): Promise<void> {
    for (let turn = 0; !this.stopping; turn++) {
      const startedAt = performance.now();
      let status = 0;
      let cache: string | null = null;
      let what = `worker ${worker}`;
      try {
        const response = await request(turn);
        const body = await response.text();
        status = response.status;
        cache = response.headers.get('x-cache');
        if (!response.ok) what += `: ${body}`;
      } catch (error) {
        what += `: ${String(error)}`;
      }
      this.served.push({ status, cache, ms: performance.now() - startedAt, startedAt, what });
    }
  }
}
