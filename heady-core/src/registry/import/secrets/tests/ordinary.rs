//! Ordinary values under the keys of secrets, which nobody could bring back.

use super::*;

#[track_caller]
fn all_stay(document: &Value) {
    let mut after = document.clone();
    assert_eq!(redact(&mut after).unwrap(), []);
    assert_eq!(after, *document);
}

#[test]
fn names_of_headers_references_chords_and_phrases_stay() {
    all_stay(&json!({
        "apiKeyHeader": "X-Heady-Api-Key", "tokenHeader": "X-Auth-Token", "secret": "projects/p/secrets/db/versions/latest",
        "dbSecret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:heady/db-a1B2c3",
        "secrets": {"db": "heady-db-password", "openai": "openai-api-key"}, "authorization": "Role-Based Access Control",
        "token": "JWT (RS256)", "auth": "OAuth2PKCE", "accessKey": "Alt+Shift+H", "a": {"secret": 7},
    }));
}

#[test]
fn phrases_that_say_where_a_secret_is_stay() {
    all_stay(&json!({"notes": [
        {"password": "see the vault"}, {"password": "See docs/secrets.md, section Databases"}, {"secret": "stored in 1Password"},
        {"apiKey": "not required"}, {"password": "ask the owner of the service"}, {"privateKey": "mounted at runtime by Kubernetes"},
        {"password": "hashed with argon2id"}, {"secrets": {"db": "provided by the environment"}}, {"clientSecret": "to be set"},
    ]}));
    let mut document = json!([
        {"password": "see hunter2x"}, {"password": "see the Zx9mQ2LpT"}, {"password": "stored in x9!"}, {"password": "swordfish is the one"},
        {"password": "set swordfish"}, {"password": "not swordfish"}, {"password": "see swordfish"},
    ]);
    assert_eq!(redact(&mut document).unwrap().len(), 7, "{document:#}");
}

#[test]
fn numbers_and_durations_that_measure_something_stay() {
    all_stay(&json!({
        "tokenCount": 4096, "maxTokens": 128_000, "passwordMinLength": 128, "tokens": {"input": 4096}, "privateKey": 4096,
        "encryptionKey": 256, "ttl": {"password": 86_400, "accessToken": "15m", "apiKey": "24 hours"}, "limits": {"apiKey": 1000},
        "rates": {"password": 99.5}, "accessToken": "15m", "jwt": {"token": "7 days"},
    }));
    let mut document = json!({
        "password": 4096, "apiKey": 990_099, "secret": 100.5, "db": {"password": 86_400}, "passwords": [1234], "a": {"password": "15m"},
        "b": {"token": "15x"},
    });
    assert_eq!(redact(&mut document).unwrap().len(), 7, "{document:#}");
}

#[test]
fn options_and_tags_that_say_nothing_secret_stay() {
    all_stay(&json!({"notes": [
        "mysql -p heady", "mysql -uroot -p", "mysql -p$MYSQL_PWD -p\"${PW}\"", "mysql -p$(cat /run/secrets/db)", "mkdir -pv /srv/mysql",
        "docker run --name mysql -p3306:3306 -d mysql:8", "docker run mysql -p127.0.0.1:3306:3306/tcp", "mysql -e 'SELECT 1' | ssh -p2222 host",
        "mysql --version\nssh -p2222 host", "redis-cli -a to log in", "tar -pxf a.tar", "if a < b and b > c, the password rules",
        "svc --token <token> --password <password>", "<password>${DB_PASSWORD}</password>", "<password></password><token/>",
        "<label for=\"password\">Password</label><input type=\"password\" name=\"password\">", "<h2 id=\"api-key\">Your key</h2>",
        "<add key=\"Port\" value=\"a8Kd93kLs02Mx8zQ\"/>", "<key>Name</key><string>a8Kd93kLs02Mx8zQ</string>",
        "<secrets provider=\"vault\"><name>heady</name></secrets>", "Map<String, password> and List<token>",
    ], "port": {"command": ["ssh"], "args": ["-p2222", "host"]}}));
}

#[test]
fn options_of_programs_that_only_are_named_stay() {
    all_stay(&json!({"notes": [
        "docker run -d --name=mongo -p 27017:27017 mongo:6", "docker run --hostname=mongo -p 27017 mongo:6",
        "docker run -h mongo -p 8080 mongo:6", "docker run -u mysql -p3306 app", "docker run mongo -p 127.0.0.1:27017:27017/tcp",
        "docker run '--name=mongo' -p 8080 mongo:6", "mongo -p \\\n  27017:27017",
        "docker exec db mysql -uroot -p$MYSQL_ROOT_PASSWORD shop", "docker exec db mysql -uroot -p\"$DB_PASS\" shop",
        "mysql -pMYSQL_PASSWORD shop", "svc -p$DB_PASSWORD shop",
    ], "lists": [
        {"command": "docker", "args": ["run", "-d", "--name", "mongo", "-p", "27017:27017", "mongo:6"]},
        ["docker", "run", "--name", "mongo", "-p", "8080", "app"], ["docker", "run", "--name=mongo", "-p", "8080", "app"],
        ["docker", "run", "-h", "mysql", "-p3306", "app"], ["docker", "run", "mongo", "-p", "27017:27017"],
        [["mysql", "-v"], ["tar", "-pxzf", "a.tgz"]], [["redis-cli", "-h", "x"], ["ls", "-a", "src"]],
        [["mysqladmin", "-v", "ping"], "tar -pxf a"], ["mysqladmin", "-v", {"a": ["-pxf"]}],
        ["mysql", "-p$MYSQL_ROOT_PASSWORD", "shop"], ["mysql", "-pMYSQL_PASSWORD", "shop"],
    ]}));
}

#[test]
fn options_of_programs_that_another_one_runs_stay() {
    all_stay(&json!({"notes": [
        "sshpass -p \"$PASS\" ssh -p 2222 deploy@host", "sshpass -e ssh -p 2222 host", "sshpass -e ssh -p2222 host",
        "sshpass -f /run/pw ssh -p 2222 host", "sshpass -f /run/pw -v rsync -pr a b", "sshpass -P word -e mosh -p 2222 host",
        "kubectl exec mongo -- mkdir -p backup", "backup mysql then cp -pr data /backup", "docker exec mongo mkdir -p backup",
        "docker exec mysql sh -c 'mkdir -pv /data/backup'", "dump mysql to /srv and run /bin/tar -pxf a",
        "mysql -e 'use shop; show tables'; mkdir -pv a", "bash -c \"mysql -e 'a b'\" && mkdir -pv a", "\"mysql -v\"; mkdir -pv a",
        "docker exec mysql su -c \"cd /x; mkdir -pv y\"",
        "mysql -p'${A} b'; mkdir -pv a",
    ], "lists": [
        ["sshpass", "-e", "ssh", "-p", "2222", "host"], ["sshpass", "-e", "ssh", "-p2222", "host"],
        ["kubectl", "exec", "mongo", "--", "mkdir", "-p", "backup"], ["docker", "exec", "mysql", "sh", "-c", "mkdir -pv /data"],
        {"command": "sshpass", "args": ["-e", "ssh", "-p", "2222"]},
    ]}));
}

#[test]
fn placeholders_in_angle_brackets_and_what_pages_show_stay() {
    all_stay(&json!({"notes": [
        "curl -H 'Authorization: Bearer <token>' https://api.example.com </dev/null", "mysqldump --password=<password> shop </dev/null",
        "<p>Enter your <password> here please</p>", "<p>Enter <password> or <api-key> and <b>Wait</b> for it</p>",
        "<button name=\"token\" value=\"refresh\">Refresh</button>", "<button name=\"password\">Change</button>",
        "<th id=\"token\">Refresh</th>", "<password><!-- see the vault --></password>",
        "<password><!-- The old one --><![CDATA[${DB_PASSWORD}]]></password>", "<password>${DB_PASSWORD}<br/></password>",
        "<property><name>db.port</name><value>x9Kq2vTz7</value></property>",
        "<property name=\"user\"><value>x9Kq2vTz7</value></property>", "<list><name>password</name><item>Port</item></list>",
        "<a><property><name>db.password</name></property><value>x9Kq2vTz7</value></a>",
        "<name>password</name><value>a</value>", "<connection password=${DB_PASSWORD}>bob</connection>",
        "<code>svc --password</code> <b>Required</b>", "<i>password:</i> <b>Change</b>",
        "password: <b>Required</b>",
    ]}));
}

#[test]
fn doubtful_ones_go() {
    let mut document = json!({
        "a": {"password": "Correct Horse Battery Staple"}, "b": {"secrets": {"db": "super-secret", "password": "my-password"}},
        "c": {"authorization": "Bearer swordfish"}, "d": {"token": "ABCDE-FGHIJ-KLMNO"}, "e": {"secret": "projects/p/x"},
        "f": {"accessKey": "a+b"}, "g": {"secret": 9909}, "h": {"apiKey": "X-Wing"},
    });
    assert_eq!(redact(&mut document).unwrap().len(), 9, "{document:#}");
}

#[test]
fn sentences_stay() {
    all_stay(&json!({"notes": [
        "Password: ask the owner of the service", "Token: see the wiki", "pass --password to log in, or --api-key and --token",
        "The secret: trust in people", "Authorization: Basic auth is required", "the token is sent as a header",
        "keys: monkey, donkey", "docker run -u 1000:1000 heady", "at 12:30 the token: expires", "Auth: OAuth 2.0",
        "password:\n  policy: strong", "type:token", "secret:db", "scope:token:read", "cookie: session",
        "X-Api-Key: required", "a password hashed by argon2id", "the token (JWT, RS256) is v2", "a secret of 2026", "the password 2nd", "tokens: 4096", "See https://a.example:8080/@user and https://b.example/a:b",
    ], "pairs": ["password", "refresh-token"], "grants": ["--verbose", "token", "client-credentials"]}));
}
