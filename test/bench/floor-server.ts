/** The floor: Fastify alone, answering the bytes that `/auth/me` answers, without asking anybody anything. */
import { fastify } from 'fastify';

const user = JSON.parse(process.argv[2]!) as object;
const server = fastify();
server.get('/auth/me', (_request, reply) => reply.send(user));
process.send!(await server.listen({ port: 0, host: '127.0.0.1' }));
process.once('disconnect', () => process.exit());
