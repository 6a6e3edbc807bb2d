//! Secrets in the many ways in which people and programs write them.

use super::*;

/// What every secret of these documents has in it.
const SECRET: &str = "Zx9mQ2LpT";

/// Checks that nothing of the secrets is left, and that every text in the list was warned of once.
fn all_go(mut document: Value, warned: usize) -> Value {
    let warnings = redact(&mut document).unwrap();
    let text = document.to_string();
    assert!(!text.contains(SECRET), "{text}");
    assert_eq!(warnings.len(), warned, "{warnings:#?} {document:#}");
    assert_eq!(redact(&mut document.clone()).unwrap(), [], "{document:#}");
    document
}

#[test]
fn keys_that_say_which_one_it_is() {
    all_go(
        json!({"env": {
            "DB_PASSWORD_PROD": "Zx9mQ2LpT", "STRIPE_SECRET_KEY_LIVE": "Zx9mQ2LpT", "API_KEY_2": "Zx9mQ2LpT",
            "password1": "Zx9mQ2LpT", "apiKeyProd": "Zx9mQ2LpT", "JWT_SECRET_OLD": "Zx9mQ2LpT",
            "encryption.key": "Zx9mQ2LpT", "passwordProd2": "Zx9mQ2LpT",
            "PASSWORD_DB": "Zx9mQ2LpT", "API_KEY_STRIPE": "Zx9mQ2LpT", "db_pw": "Zx9mQ2LpT", "SecretString": "Zx9mQ2LpT",
        }}),
        12,
    );
}

#[test]
fn keys_below_what_they_are_of_and_lists_of_passwords() {
    let mut document = json!({
        "encryption": {"key": "shortpw"}, "api": {"key": "x9!"}, "passwords": ["shortpw", 990_099],
        "more": {"passwords": {"db": "shortpw"}}, "services": {"api": {"key": "orders"}},
    });
    assert_eq!(redact(&mut document).unwrap().len(), 5);
    let text = document.to_string();
    for secret in ["shortpw", "x9!", "990099"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(document["services"]["api"]["key"], "orders");
}

#[test]
fn names_beside_values_and_items_beside_items() {
    all_go(
        json!({
            "args": ["--api-key", "Zx9mQ2LpT", "--verbose", "-u", "bob:Zx9mQ2LpT", "--password", "Zx9mQ2LpT two"],
            "env": [
                {"Name": "DB_PASSWORD", "Value": "Zx9mQ2LpT"}, {"key": "DB_PASSWORD", "val": "Zx9mQ2LpT"},
                {"name": "db", "key": "DB_PASSWORD", "VALUE": "Zx9mQ2LpT"}, {"name": "PORT", "value": "80"},
                {"name": "API_KEY", "value": {"text": "Zx9mQ2LpT"}}, {"name": "PIN_PASSWORD", "value": 990_099},
            ],
            "headers": ["X-Api-Key: Zx9mQ2LpT", "Authorization:", "Bearer Zx9mQ2LpT"],
            "pair": ["X-Api-Key", "Zx9mQ2LpT"],
        }),
        11,
    );
}

#[test]
fn pairs_within_a_text() {
    for text in [
        "svc --password Zx9mQ2LpT",
        "svc --password 'Zx9mQ2LpT Zx9mQ2LpT' --port 80",
        "svc --password=\"Zx9mQ2LpT Zx9mQ2LpT\" --port 80",
        "svc --api-key \\\n  Zx9mQ2LpT --port 80",
        "curl -u bob:Zx9mQ2LpT https://a.example",
        "curl --user bob:Zx9mQ2LpT https://a.example",
        "curl --user=bob:Zx9mQ2LpT https://a.example",
        "curl -H 'X-Api-Key: Zx9mQ2LpT' https://a.example",
        "curl -H \"Authorization: Bearer Zx9mQ2LpT\"",
        "curl -H Authorization:Zx9mQ2LpT",
        "password: Zx9mQ2LpT",
        "user: bob\npassword: Zx9mQ2LpT\nport: 80",
        "the API key: Zx9mQ2LpT",
        "password = Zx9mQ2LpT",
        "password=Zx9mQ2LpT",
        "use {\"password\": \"Zx9mQ2LpT Zx9mQ2LpT\"} there",
        "use {\"password\":\"Zx9mQ2LpT\",\"port\":80} there",
        "password:\n  Zx9mQ2LpT",
        "(token: Zx9mQ2LpT)",
        "the password is Zx9mQ2LpT, on port 80",
        "with token (Zx9mQ2LpT)",
        "Authorization: Digest Zx9mQ2LpT",
        "send Bearer Zx9mQ2LpT",
        "curl -ubob:Zx9mQ2LpT https://a.example",
        "PASSWORD=a,b;Zx9mQ2LpT&c",
        "db:PASSWORD=a,b;Zx9mQ2LpT&c",
    ] {
        all_go(json!({"note": text}), 1);
    }
    let mut short = json!({"a": "password: shortpw", "b": "db password: shortpw, port: 80", "c": "svc --password shortpw now"});
    assert_eq!(redact(&mut short).unwrap().len(), 3);
    assert!(!short.to_string().contains("shortpw"), "{short}");
    assert_eq!(short["b"], "db password: [REDACTED], port: 80");
    assert_eq!(short["c"], "svc --password [REDACTED] now");
}

#[test]
fn short_options_of_programs_that_are_known_for_them() {
    for text in [
        "mysql -pZx9mQ2LpT",
        "mysql -u root -pZx9mQ2LpT heady < dump.sql",
        "docker exec mysql mysqldump -uroot -p'Zx9mQ2LpT Zx9mQ2LpT' heady | gzip",
        "cd /srv && /usr/bin/mariadb -h db \\\n  -pZx9mQ2LpT",
        "N=$(mysql -e 'SELECT 1' -pZx9mQ2LpT) && echo done",
        "bash -c \"mysqladmin ping -pZx9mQ2LpT\"",
        "sshpass -pZx9mQ2LpT ssh host",
        "sshpass -p Zx9mQ2LpT ssh host",
        "redis-cli -a Zx9mQ2LpT ping",
        "mongosh -u bob -p \"Zx9mQ2LpT\" mongodb://db",
        "mysql --host=mysql -pZx9mQ2LpT",
        "sshpass -v \\\n -p Zx9mQ2LpT ssh -p 2222 host",
        "sshpass -P word -p 'Zx9mQ2LpT' ssh host",
        "sshpass -e ssh host mysql -pZx9mQ2LpT",
        "bash -c \"sshpass -p Zx9mQ2LpT ssh host\"",
        "kubectl exec mongo -- mongodump -p Zx9mQ2LpT",
        "docker exec db sh -c 'mysqldump -pZx9mQ2LpT shop'",
        "mysql -e 'select case when a then b end -- c' -pZx9mQ2LpT shop",
        "mysql -e \"use shop; select 1;\" -uroot -pZx9mQ2LpT",
        "bash -c \"mysql -e \\\"use shop; show tables\\\" -pZx9mQ2LpT\"",
        "docker exec mysql su -c \"redis-cli -a Zx9mQ2LpT\"",
        "sshpass -p \"Zx9mQ2LpT -- Zx9mQ2LpT\" ssh -p 2222 host",
        "mysql -u ssh -pZx9mQ2LpT shop",
        "mysql -e 'tar' -pZx9mQ2LpT shop",
        "mysql -h mysql -u mysql -pZx9mQ2LpT",
        "mongosh --host mongo -p Zx9mQ2LpT",
        "mongo -p \\\n  Zx9mQ2LpT",
        "svc -p$HOME --password Zx9mQ2LpT",
    ] {
        all_go(json!({"note": text}), 1);
    }
    let document = all_go(
        json!({
            "test": ["CMD", "mysqladmin", "ping", "-uroot", "-pZx9mQ2LpT"], "all": ["redis-cli", "-a", "Zx9mQ2LpT", "ping"],
            "job": {"command": ["mysql", "-h", "db"], "args": ["-pZx9mQ2LpT", "heady"]}, "shell": {"cmd": "mysqldump", "args": "-pZx9mQ2LpT"},
            "named": [["mongosh", "--host", "mongo", "-p", "Zx9mQ2LpT"], ["mysql", "--host=mysql", "-pZx9mQ2LpT"]],
            "run": ["sshpass", "-v", "-p", "Zx9mQ2LpT", "ssh", "-p", "2222"],
            "ports": "mongo -p 27017:Zx9mQ2LpT",
            "short": "mysqldump -ppw -u root; tar -pxf a.tar",
        }),
        9,
    );
    assert_eq!(
        document["short"],
        "mysqldump -p[REDACTED] -u root; tar -pxf a.tar"
    );
    assert_eq!(document["test"][4], "-p[REDACTED]");
    assert_eq!(document["run"][6], "2222");
}

#[test]
fn tags_and_their_attributes() {
    for text in [
        "<password>Zx9mQ2LpT</password>",
        "<db:password encoding=\"plain\"> Zx9mQ2LpT two </db:password>",
        "<password><![CDATA[Zx9<mQ2LpT Zx9mQ2LpT]]></password>",
        "<add key=\"ApiKey\" value=\"Zx9mQ2LpT\"/>",
        "<add value = 'Zx9mQ2LpT two' key = 'Some.Api.Key' />",
        "<ApiKey value=\"Zx9mQ2LpT\"/>",
        "<user name=\"bob\" password=\"a > Zx9mQ2LpT\" />",
        "<property name=\"password\">Zx9mQ2LpT</property>",
        "<dict><key>ApiKey</key>\n<string>Zx9mQ2LpT</string></dict>",
        "<secrets>\n<db>Zx9mQ2LpT</db><br></secrets>",
        "<input type=password name=password value=Zx9mQ2LpT>",
        "<meta name=\"csrf-token\" content=\"Zx9mQ2LpT\">",
        "<note>mysql -pZx9mQ2LpT</note>",
        "<property><name>db.password</name><value>Zx9mQ2LpT</value></property>",
        "<property>\n<value>\nZx9mQ2LpT\n</value>\n<name>\ndb.password\n</name>\n</property>",
        "<property name=\"password\"><value>Zx9mQ2LpT two</value></property>",
        "<env><name><![CDATA[DB_PASSWORD]]></name><value><![CDATA[Zx9mQ2LpT</two]]></value></env>",
        "<password><!-- c -->Zx9mQ2LpT</password>",
        "<password><!-- Zx9mQ2LpT --><!-- <b>c</b> -->Zx9mQ2LpT</password>",
        "<!-- <password>Zx9mQ2LpT</password> -->",
        "<password>Zx9mQ2LpT<br/>Zx9mQ2LpT<br></password>",
        "<Password>Zx9mQ2LpT</password>",
        "<a><password><!-- </password><password>Zx9mQ2LpT</password></a>",
        "<note><![CDATA[<password>Zx9mQ2LpT</password>]]></note>",
        "<b>svc --password Zx9mQ2LpT</b>",
        "<b>svc --password Zx9mQ2LpT</Zx9mQ2LpT now</b>",
        "<b>svc --password=Zx9mQ2LpT</b>",
        "<a token=Zx9mQ2LpT></a>",
        "<a token=Zx9mQ2LpT>",
        "<a token=Zx9mQ2LpT/>",
        "<a token=Zx9mQ2LpT/><b>--password Zx9mQ2LpT</b>",
    ] {
        let text = format!("<config a=\"1\">{text}<port>80</port></config>");
        let document = all_go(json!({"note": text}), 1);
        let shown = document["note"].as_str().unwrap();
        assert!(shown.ends_with("<port>80</port></config>"), "{shown}");
    }
    for (text, shown) in [
        (
            "<connection password=Zx9mQ2LpT></connection>",
            "<connection password=[REDACTED]></connection>",
        ),
        (
            "<user password=Zx9mQ2LpT>bob</user> is in",
            "<user password=[REDACTED]>bob</user> is in",
        ),
        (
            "<user password=Zx9mQ2LpT/>bob",
            "<user password=[REDACTED]/>bob",
        ),
        (
            "<p>With <password> or <b token=Zx9mQ2LpT>--token Zx9mQ2LpT</b>, as <a>svc</a></p>",
            "<p>With <password> or <b token=[REDACTED]>--token [REDACTED]</b>, as <a>svc</a></p>",
        ),
        (
            "<password><!-- It is old --> Zx9mQ2LpT <br/></password>",
            "<password><!-- It is old --> [REDACTED] <br/></password>",
        ),
        (
            "svc --password Zx9mQ</vTz7Zx9mQ2LpT",
            "svc --password [REDACTED]",
        ),
        (
            "<a>svc --password Zx9</vT>Zx9mQ2LpT now</a>",
            "<a>svc --password [REDACTED] now</a>",
        ),
    ] {
        let document = all_go(json!({"note": text}), 1);
        assert_eq!(document["note"], shown);
    }
    let mut short = json!([
        "<code>--password hunter2</code>",
        "password: <b>hunter2</b>",
        "<env><name>DB_PASSWORD</name><value>hunter2</value></env>",
        "<password>hunter2<br/></password>",
        "<span id=\"password\">hunter2</span>"
    ]);
    assert_eq!(redact(&mut short).unwrap().len(), 5, "{short}");
    let document = all_go(
        json!({"both": "<a><password>Zx9mQ2LpT</password><user>bob</user><b token=\"Zx9mQ2LpT\">x</b></a>"}),
        1,
    );
    assert_eq!(
        document["both"],
        "<a><password>[REDACTED]</password><user>bob</user><b token=\"[REDACTED]\">x</b></a>"
    );
}

#[test]
fn documents_within_texts() {
    let inner =
        json!({"n": {"apiKey": "Zx9mQ2LpT", "port": 1.5}, "list": ["--token", "Zx9mQ2LpT"]});
    let document = all_go(json!({"blob": inner.to_string()}), 1);
    let blob: Value = serde_json::from_str(document["blob"].as_str().unwrap()).unwrap();
    assert_eq!(
        blob,
        json!({"n": {"apiKey": REDACTED, "port": 1.5}, "list": ["--token", REDACTED]})
    );
    let twice = json!({"blob": inner.to_string()}).to_string();
    all_go(
        json!({"blob": twice, "list": ["{\"a\": [{\"password\": \"Zx9mQ2LpT\"}]}"]}),
        2,
    );
    // Of two keys that are the same, the last one counts, and the first one stands there still.
    all_go(
        json!({"blob": "{\"password\":\"Zx9mQ2LpT\",\"password\":\"${X}\"}"}),
        1,
    );
    let mut nested = json!({"blob": "deep"});
    for _ in 0..8 {
        nested = json!({"blob": nested.to_string(), "password": "Zx9mQ2LpT"});
    }
    all_go(json!({"blob": nested.to_string()}), 1);
    let null = json!({"blob": json!({"a": "x\0y"}).to_string()});
    assert_eq!(redact(&mut null.clone()).unwrap(), []);
}

#[test]
fn addresses() {
    let document = all_go(
        json!({
            "git": "https://Zx9mQ2LpT:x-oauth-basic@github.com/a/b", "stripe": "https://Zx9mQ2LpT:@api.example",
            "user": "https://Zx9mQ2LpTa8Kd93kL@a.example", "case": "HTTPS://Hooks.Slack.com/services/Zx9mQ2LpT",
            "teams": "https://outlook.office.com/webhook/Zx9mQ2LpT/x",
            "teams2": "https://heady.webhook.office.com/webhookb2/Zx9mQ2LpT",
            "two": "https://a.example/b,postgres://u:Zx9mQ2LpT@db/x",
        }),
        7,
    );
    assert_eq!(
        document["git"],
        "https://[REDACTED]:[REDACTED]@github.com/a/b"
    );
    assert_eq!(
        document["two"],
        "https://a.example/b,postgres://u:[REDACTED]@db/x"
    );
}

#[test]
fn a_placeholder_excuses_only_itself() {
    all_go(
        json!({
            "a": {"password": "x Zx9mQ2LpT [REDACTED]"}, "b": {"password": "${X}Zx9mQ2LpT"}, "c": {"password": "{{ x }}Zx9mQ2LpT"},
            "d": {"password": "${DB_PASSWORD:-Zx9mQ2LpT}"}, "e": {"password": "process.env.X || 'Zx9mQ2LpT'"},
            "f": {"password": "${env.X || 'Zx9mQ2LpT'}"}, "g": {"password": "<x>Zx9mQ2LpT<y>"},
            "h": {"password": "vault:x Zx9mQ2LpT"}, "i": ["PASSWORD=${X:-Zx9mQ2LpT}"], "j": {"password": "${Zx9mQ2LpT ${"},
        }),
        10,
    );
    let document = json!({
        "a": {"password": "${X}"}, "b": {"password": "Bearer ${X}"}, "c": {"token": "${A}:${B}"}, "d": {"password": "{{ .Values.x }}"},
        "e": {"password": "${{ secrets.DB }}"}, "f": {"password": "${env:DB}"}, "g": {"password": "${DB:?is not set}"},
        "h": {"connectionString": "postgres://u:${PW}@db/x"}, "i": {"connectionString": "Server=db;Password=${PW};Database=d"},
        "j": "password: ${{ secrets.DB }}", "k": ["PASSWORD={{ x }}"], "l": "svc --password ${PW} --user x",
    });
    let mut after = document.clone();
    assert_eq!(redact(&mut after).unwrap(), []);
    assert_eq!(after, document);
}

#[test]
fn keys_that_become_the_same_are_counted() {
    let map: Map<String, Value> = (0..3)
        .map(|index| (format!("ghp_{index:030}a"), json!(index)))
        .collect();
    let mut document = json!({"env": map});
    assert_eq!(redact(&mut document).unwrap().len(), 3);
    assert_eq!(
        document,
        json!({"env": {"[REDACTED]": 0, "[REDACTED]#2": 1, "[REDACTED]#3": 2}})
    );
}
