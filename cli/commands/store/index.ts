import { Command } from 'commander';
import { migrateCommand } from './migrate.js';

export const storeCommand = new Command('store').description('prepare the store, where it is a database');
storeCommand.addCommand(migrateCommand);
