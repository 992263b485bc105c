import { Command } from 'commander';
import { loadConfig } from '../../../config/load.js';
import { example } from '../../help.js';
import { counted, note, print } from '../../output.js';

export const migrateCommand = new Command('migrate')
  .description('make the tables of a PostgreSQL store, or bring them up to this version')
  .addHelpText(
    'after',
    example(
      'C2P_STORE_URL=postgres://owner@db.example/c2p c2p store migrate',
      'Workers only look whether it was done. Run it before the workers of a new version start, as a user who',
      'may create tables; those of the version before work on meanwhile. Run it as often as you like.',
    ),
  )
  .action(async () => {
    const { store } = await loadConfig();
    if (store.kind !== 'postgres') return note(`store.kind is ${store.kind}: there is nothing to migrate`);
    const { migrate } = await import('../../../store/migrate.js');
    const { postgresPlace } = await import('../../../store/postgres-connection.js');
    const place = postgresPlace(store.urlEnv, process.env);
    const applied = await migrate(place);
    for (const { number, name } of applied) print(`${number}  ${name}`);
    note(`${place.shown}: ${counted(applied.length, 'migration')} applied`);
  });
