//! Migrations go both ways: each step down leaves the schema as it was before the step up, all the way to nothing, and up
//! again leads to the same schema. `signet migrate` only goes up; the way down is for whoever must take a release back.

use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use signet::storage::{DatabaseUrl, Store};

use crate::support::database::new_postgresql_url;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// Columns, indexes, references and triggers, one a line.
const SCHEMA_OF_SQLITE: &str = "
    WITH ours AS (SELECT * FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> '__diesel_schema_migrations')
    SELECT 'column ' || ours.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' '
           || coalesce(c.dflt_value, '-') || ' ' || c.pk AS line
      FROM ours, pragma_table_info(ours.name) c WHERE ours.type = 'table'
    UNION ALL
    SELECT 'index ' || ours.name || ' ' || i.\"unique\" || ' ' || i.origin || ' ' || i.partial || ' '
           || (SELECT group_concat(coalesce(x.name, '?')) FROM pragma_index_info(i.name) x)
      FROM ours, pragma_index_list(ours.name) i WHERE ours.type = 'table'
    UNION ALL
    SELECT 'reference ' || ours.name || '.' || f.\"from\" || ' ' || f.\"table\" || ' ' || f.on_delete || ' ' || f.on_update
      FROM ours, pragma_foreign_key_list(ours.name) f WHERE ours.type = 'table'
    UNION ALL
    SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM ours WHERE type NOT IN ('table', 'index')
    ORDER BY 1";

const SCHEMA_OF_POSTGRESQL: &str = "
    SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
           || coalesce(column_default, '-') AS line
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass::text || ' ' || conname::text || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
       AND conrelid::regclass::text <> '__diesel_schema_migrations'
    UNION ALL
    SELECT 'index ' || indexdef FROM pg_indexes
     WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations'
    UNION ALL
    SELECT 'relation ' || relname::text || ' ' || relkind::text FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '__diesel_schema_migrations%'
    UNION ALL
    SELECT 'routine ' || proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger ' || tgname::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'type ' || typname::text FROM pg_type
     WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%__diesel_schema_migrations'
    ORDER BY 1";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.line).collect()
}

/// Up step by step, down step by step, and up again.
fn there_and_back<C: MigrationHarness<D>, D: diesel::backend::Backend>(
    connection: &mut C,
    migrations: fn() -> EmbeddedMigrations,
    schema: impl Fn(&mut C) -> Vec<String>,
) -> Vec<String>
where
    EmbeddedMigrations: diesel::migration::MigrationSource<D>,
{
    let mut steps = vec![schema(connection)];
    assert_eq!(steps[0], [""; 0], "it begins with nothing");
    while connection.has_pending_migration(migrations()).expect("it says") {
        connection.run_next_migration(migrations()).expect("up");
        steps.push(schema(connection));
    }
    let whole = steps.pop().expect("the whole schema");
    assert!(whole.len() > 100, "the schema was read: {whole:#?}");
    while let Some(before) = steps.pop() {
        let taken_back = connection.revert_last_migration(migrations()).expect("down").to_string();
        assert_eq!(schema(connection), before, "after taking back {taken_back}");
    }
    assert_eq!(schema(connection), [""; 0], "nothing is left");
    connection.run_pending_migrations(migrations()).expect("up again");
    assert_eq!(schema(connection), whole);
    whole
}

#[test]
fn sqlite_goes_up_down_and_up_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("signet.db");
    let schema = |connection: &mut SqliteConnection| {
        lines(diesel::sql_query(SCHEMA_OF_SQLITE).load(connection).expect("it reads"))
    };
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).expect("it opens");
    let whole = there_and_back(&mut connection, || SQLITE, schema);

    // What `signet migrate` makes is the same.
    let other = folder.path().join("other.db");
    Store::open(&DatabaseUrl::sqlite(&other), 1).expect("it opens").migrate().expect("it migrates");
    let mut connection = SqliteConnection::establish(&other.to_string_lossy()).expect("it opens");
    assert_eq!(schema(&mut connection), whole);
}

#[test]
fn postgresql_goes_up_down_and_up_again() {
    // `make test` always has a server.
    let (Some(one), Some(other)) = (new_postgresql_url(), new_postgresql_url()) else { return };
    let schema = |connection: &mut PgConnection| {
        lines(diesel::sql_query(SCHEMA_OF_POSTGRESQL).load(connection).expect("it reads"))
    };
    let mut connection = PgConnection::establish(&one).expect("it answers");
    let whole = there_and_back(&mut connection, || POSTGRESQL, schema);

    Store::open(&other.parse().expect("a URL"), 1).expect("it opens").migrate().expect("it migrates");
    let mut connection = PgConnection::establish(&other).expect("it answers");
    assert_eq!(schema(&mut connection), whole);
}
