//! Every form of an address, what is refused, and that no secret is shown.

use super::*;
use proptest::prelude::*;
use secrecy::ExposeSecret;

fn parse_with(location: &str, variables: &[(&str, &str)]) -> Result<Address, SourceError> {
    let variable = |wanted: &str| {
        variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
    };
    let file = |path: &Path| match path.to_str() {
        Some("/secret") => Ok("p;w\n".to_owned()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    Address::parse_in(location, &Surroundings { variable: &variable, file: &file })
}

fn parse(location: &str) -> Address {
    parse_with(location, &[]).unwrap_or_else(|error| panic!("{location}: {error}"))
}

fn refused(location: &str) -> String {
    let error = parse_with(location, &[]).map(|address| address.shown()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Address);
    let text = error.to_string();
    for secret in ["hunter2", "Hunter2"] {
        assert!(!format!("{text} {error:?}").contains(secret), "{text}");
    }
    text
}

fn login(address: &Address) -> (String, String) {
    match &address.login {
        Login::Sql { user, password } => (user.clone(), password.expose_secret().to_owned()),
        other => panic!("{other:?}"),
    }
}

fn check(location: &str, user: &str, password: &str, server: &str, database: Option<&str>) {
    let address = parse(location);
    assert_eq!(login(&address), (user.to_owned(), password.to_owned()), "{location}");
    assert_eq!(address.server(), server, "{location}");
    assert_eq!(address.database.as_deref(), database, "{location}");
    assert!(!format!("{address:?} {}", address.shown()).contains(password), "{location}");
}

#[test]
fn urls_are_read() {
    check("mssql://sa:hunter2@db1:1444/shop", "sa", "hunter2", "db1:1444", Some("shop"));
    check("sqlserver://sa:hunter2@db1/shop?encrypt=strict", "sa", "hunter2", "db1:1433", Some("shop"));
    check("MSSQL://sa:hunter2@db1", "sa", "hunter2", "db1:1433", None);
    check("mssql://sa:hunter2@db1/", "sa", "hunter2", "db1:1433", None);
    check("mssql://sa:hunter2@db1/SALES/shop", "sa", "hunter2", "db1\\SALES", Some("shop"));
    check("mssql://sa:hunter2@db1\\SALES/shop", "sa", "hunter2", "db1\\SALES", Some("shop"));
    check("mssql://sa:hunter2@db1/MSSQLSERVER/shop", "sa", "hunter2", "db1:1433", Some("shop"));
    check("mssql://sa:hunter2@[::1]:1444/shop", "sa", "hunter2", "[::1]:1444", Some("shop"));
    check("mssql://sa:hunter2@[fe80::1]/shop", "sa", "hunter2", "[fe80::1]:1433", Some("shop"));
    check("mssql://db1/shop?user=sa&password=hunter2", "sa", "hunter2", "db1:1433", Some("shop"));
    check("mssql://s%40a:h%2Funter%3A2@db1/s%2Fh", "s@a", "h/unter:2", "db1:1433", Some("s/h"));
}

#[test]
fn a_password_that_is_not_encoded_is_understood_where_it_can_mean_one_thing_only() {
    check("mssql://sa:p@ss:word@db1/shop", "sa", "p@ss:word", "db1:1433", Some("shop"));
    check("mssql://sa:p/q?r#s@db1/shop?encrypt=on", "sa", "p/q?r#s", "db1:1433", Some("shop"));
    check("mssql://sa:100%!@db1/shop", "sa", "100%!", "db1:1433", Some("shop"));
    for doubtful in [
        "mssql://sa:hunter2@ss/w@db1/shop",
        "mssql://sa:1433/hunter2@db1/shop",
        "mssql://sa:x/hunter2@db1/shop?application_name=a@b",
        "mssql://sa:1?hunter=2&Hunter2=x@db1/shop",
        "mssql://sa:hunter2@db1/a/b/c",
        "mssql://sa:hunter2@db1:port/b",
    ] {
        refused(doubtful);
    }
    assert!(refused("mssql://sa:hunter2@ss/w@db1/shop").contains("%40"));
}

#[test]
fn strings_of_ado_net_and_odbc_are_read() {
    let ado = "Server=tcp:db1,1444;Initial Catalog=shop;Persist Security Info=False;User ID=sa;Password=hunter2;MultipleActiveResultSets=False;Encrypt=True;TrustServerCertificate=False;Connection Timeout=40;";
    check(ado, "sa", "hunter2", "db1:1444", Some("shop"));
    assert_eq!(parse(ado).login_timeout_seconds, 40);
    check(
        "Data Source=db1\\SALES;Database=shop;User Id=sa;Pwd=hunter2",
        "sa",
        "hunter2",
        "db1\\SALES",
        Some("shop"),
    );
    // The port wins where both are given, as in Microsoft's drivers.
    check("Server=db1\\SALES,1444;uid=sa;pwd=hunter2", "sa", "hunter2", "db1:1444", None);
    check("Server=.;User Id=sa;Password='a;\"b''c'", "sa", "a;\"b'c", "localhost:1433", None);
    check("Server=(local);User Id=sa;Password=\"a;'b\"\"c\"", "sa", "a;'b\"c", "localhost:1433", None);
    check("User Id=sa;Password= a=b ;Server=h", "sa", "a=b", "h:1433", None);
    check("Server=h;User Id=sa;Password={a}", "sa", "{a}", "h:1433", None);
    check(
        "Driver={ODBC Driver 18 for SQL Server};Server=h;Uid=sa;Pwd={a;b}}c};Encrypt=yes",
        "sa",
        "a;b}c",
        "h:1433",
        None,
    );
    check("Driver=FreeTDS;Server=h;Uid=sa;Pwd='a'", "sa", "'a'", "h:1433", None);
    check("Server=h;Uid=sa;Pwd={a", "sa", "{a", "h:1433", None);
    check("Server=::1,1444;Uid=sa;Pwd=a~", "sa", "a~", "[::1]:1444", None);
    for wrong in [
        "Server=np:\\\\h\\pipe\\sql;Uid=sa;Pwd=hunter2",
        "Server=(localdb)\\v11.0;Uid=sa;Pwd=hunter2",
        "Server=h;Uid=sa;Pwd='hunter2",
        "Server=h;Uid=sa;Pwd='hunter2' x",
        "Server=h;Uid=sa;hunter2",
        "Server=h;AttachDbFilename=x;Uid=sa;Pwd=hunter2",
        "Server=h;Failover Partner=x;Uid=sa;Pwd=hunter2",
        "Server=h;MultipleActiveResultSets=true;Uid=sa;Pwd=hunter2",
        "Server=h;Integrated Security=true;User Id=sa;Password=hunter2",
        "Server=h;Trusted_Connection=yes",
        "Server=h;Uid=DOMAIN\\me;Pwd=hunter2",
        "DSN=x;Uid=sa;Pwd=hunter2",
        "Server=h:1433;Uid=sa;Pwd=hunter2",
        "Server=h;Authentication=Active Directory Password;Uid=sa;Pwd=hunter2",
        "Server=h;Authentication=Active Directory Interactive;Uid=sa",
        "Uid=sa;Pwd=hunter2",
    ] {
        refused(wrong);
    }
    assert!(refused("Server=h;Trusted_Connection=yes").contains("--features kerberos"));
    assert!(refused("Server=h;Uid=DOMAIN\\me;Pwd=hunter2").contains("NTLM"));
}

#[test]
fn strings_of_jdbc_are_read() {
    check(
        "jdbc:sqlserver://db1\\SALES;databaseName=shop;user=sa;password={a;b}}c};encrypt=true;trustServerCertificate=true",
        "sa",
        "a;b}c",
        "db1\\SALES",
        Some("shop"),
    );
    check("jdbc:sqlserver://db1\\SALES:1444;user=sa;password=p~", "sa", "p~", "db1:1444", None);
    check(
        "jdbc:sqlserver://;serverName=db1;portNumber=1444;user=sa;password=p~",
        "sa",
        "p~",
        "db1:1444",
        None,
    );
    check("jdbc:sqlserver://[::1]:1444;user=sa;password=p~", "sa", "p~", "[::1]:1444", None);
    refused("jdbc:postgresql://h;password=hunter2");
    refused("jdbc:sqlserver://h;user=sa;password={hunter2");
}

#[test]
fn what_is_an_address_and_what_is_a_file() {
    for address in
        ["mssql://h", "SQLSERVER://h", "jdbc:sqlserver://h", "Server=h", "data source=h;x=y", "mssql:h"]
    {
        assert!(Address::is_address(address), "{address}");
    }
    for file in ["shop.bacpac", "/a/b=c.bacpac", "C:\\x\\shop.bacpac", "postgresql://h/d?server=x", "name=x"]
    {
        assert!(!Address::is_address(file), "{file}");
    }
}

#[test]
fn options_mean_the_same_under_all_their_names() {
    let address = parse(
        "Server=h;Uid=sa;Pwd=x~;Encrypt=Strict;HostNameInCertificate=n;ApplicationIntent=ReadOnly;MultiSubnetFailover=Yes;Packet Size=8000;Connect Timeout=5;Command Timeout=0;Application Name=me",
    );
    assert_eq!(
        address.shown(),
        "mssql://sa@h:1433?encrypt=strict&host_name_in_certificate=n&application_intent=read-only&multi_subnet_failover=true&packet_size=8000&login_timeout=5&application_name=me"
    );
    for (word, mode) in [
        ("true", Encrypt::On),
        ("Mandatory", Encrypt::On),
        ("yes", Encrypt::On),
        ("strict", Encrypt::Strict),
        ("false", Encrypt::LoginOnly),
        ("Optional", Encrypt::LoginOnly),
        ("no", Encrypt::LoginOnly),
        ("login-only", Encrypt::LoginOnly),
        ("off", Encrypt::Off),
    ] {
        assert_eq!(parse(&format!("mssql://sa:x~@h?encrypt={word}")).encrypt, mode, "{word}");
    }
    assert_eq!(parse("mssql://sa:x~@h").encrypt, Encrypt::On);
    assert_eq!(
        parse("mssql://sa:x~@h/d?TrustServerCertificate=yes").shown(),
        "mssql://sa@h:1433/d?trust_server_certificate=true"
    );
}

#[test]
fn an_unknown_option_is_an_error_that_names_the_nearest() {
    assert!(refused("mssql://sa:hunter2@h/d?encrpt=on").contains("did you mean encrypt?"));
    assert!(refused("Server=h;Uid=sa;Pasword=hunter2").contains("did you mean password?"));
    assert!(refused("mssql://sa:hunter2@h/d?encrypt=maybe").contains("strict, on, login-only or off"));
    assert!(refused("mssql://sa:hunter2@h/d?packet_size=100").contains("packet_size"));
}

#[test]
fn contradictions_are_errors() {
    for (location, what) in [
        ("mssql://sa:hunter2@h/d?password=hunter2", "password twice"),
        ("Server=h;Uid=sa;Pwd=hunter2;Password=hunter2", "password twice"),
        ("mssql://sa:hunter2@h/d?password_file=/secret", "two passwords"),
        ("mssql://sa:hunter2@h:1433/inst/d", "a port and an instance"),
        ("mssql://sa:hunter2@h/d?trust_server_certificate=true&ca_file=x", "trust_server_certificate"),
        ("mssql://sa:hunter2@h/d?trust_server_certificate=true&encrypt=strict", "strict"),
        ("mssql://sa:hunter2@h/d?server_certificate=x&host_name_in_certificate=n", "server_certificate"),
        ("mssql://sa:hunter2@h/d?encrypt=off&ca_file=x", "encrypt=off"),
        ("mssql://sa:hunter2@h/d?server_spn=x", "kerberos"),
        ("mssql://sa:hunter2@h/d?token_file=x", "leave user and password out"),
        ("mssql://h/d?token_file=x&token_command=y", "two sources"),
        ("mssql://h/d?token_file=x&encrypt=off", "verified"),
        ("mssql://h/d?authentication=entra-token", "MSSQL2PG_ACCESS_TOKEN"),
        ("mssql://h/d?authentication=entra-service-principal", "AZURE_CLIENT_ID"),
        ("mssql://sa@h/d", "no password"),
        ("mssql://h/d", "no user"),
        ("mssql:///d", "no server"),
        ("mssql://sa:hunter2@h/d?access_token=hunter2", "MSSQL2PG_ACCESS_TOKEN"),
    ] {
        let text = refused(location);
        assert!(text.contains(what), "{location}: {text}");
    }
}

#[test]
fn the_password_may_stand_in_a_file() {
    let address = parse("mssql://sa@h/d?password_file=/secret");
    assert_eq!(login(&address).1, "p;w");
    assert_eq!(address.shown(), "mssql://sa@h:1433/d?password_file=%2Fsecret");
    assert!(parse_with("mssql://sa@h/d?password_file=/none", &[]).unwrap_err().to_string().contains("/none"));
}

#[test]
fn tokens_come_from_where_the_address_says() {
    let environment = [
        ("MSSQL2PG_ACCESS_TOKEN", "hunter2"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_SECRET", "hunter2"),
        ("AZURE_TENANT_ID", "tenant"),
    ];
    for (location, shown) in [
        ("mssql://h/d?authentication=entra-token", "mssql://h:1433/d?authentication=entra-token"),
        ("mssql://h/d?token_file=/t", "mssql://h:1433/d?authentication=entra-token&token_file=%2Ft"),
        ("mssql://h/d?token_command=hunter2", "mssql://h:1433/d?authentication=entra-token"),
        (
            "Server=h;Authentication=Active Directory Service Principal;User Id=id;Password=hunter2",
            "mssql://id@h:1433?authentication=entra-service-principal",
        ),
        (
            "Server=h;Authentication=ActiveDirectoryDefault",
            "mssql://app@h:1433?authentication=entra-service-principal",
        ),
        (
            "jdbc:sqlserver://h;authentication=ActiveDirectoryMSI;msiClientId=id",
            "mssql://id@h:1433?authentication=entra-managed-identity",
        ),
    ] {
        let address = parse_with(location, &environment).unwrap();
        assert_eq!(address.shown(), shown);
        assert!(!format!("{address:?}").contains("hunter2"));
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_the_same_address_once_the_password_is_added(
        user in "[a-zA-Zé@:/?#%&=;' ]{1,12}",
        password in "\\PC{1,16}",
        database in "[^\\\\\\x00-\\x1f]{1,20}",
        instance in proptest::option::of("[A-Z]{1,8}"),
        named in any::<bool>(),
        port in proptest::option::of(1_u16..),
        options in proptest::sample::subsequence(vec![
            "ca_file=%2Fa%20b.pem", "encrypt=login-only", "host_name_in_certificate=x.y", "packet_size=4096",
            "login_timeout=7", "query_timeout=9", "application_name=%26%3D", "multi_subnet_failover=true",
            "application_intent=read-only",
        ], 0..9),
    ) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let port = port.filter(|_| instance.is_none());
        let mut url = format!("mssql://{}:{}@h", encode(&user), encode(&password));
        url.extend(port.map(|port| format!(":{port}")));
        if named {
            url.extend(instance.iter().map(|name| format!("/{name}")));
            url.push_str(&format!("/{}", encode(&database)));
        }
        url.push_str(&format!("?{}", options.join("&")));
        if !named {
            url.extend(instance.iter().map(|name| format!("&instance={name}")));
        }
        let first = parse(&url);
        let shown = first.shown();
        let mark = if shown.contains('?') { '&' } else { '?' };
        let second = parse(&format!("{shown}{mark}password={}", encode(&password)));
        prop_assert_eq!(format!("{:?}", &first), format!("{:?}", &second));
        prop_assert_eq!(login(&first), login(&second));
        prop_assert_eq!(login(&first), (user, password));
        prop_assert_eq!(second.shown(), shown);
    }

    #[test]
    fn any_password_survives_the_quotes_of_each_world(password in "\\PC{1,16}") {
        let doubled = |mark: &str| password.replace(mark, &mark.repeat(2));
        for location in [
            format!("Data Source=h;User Id=sa;Password='{}'", doubled("'")),
            format!("Data Source=h;User Id=sa;Password=\"{}\"", doubled("\"")),
            format!("Driver={{x}};Server=h;Uid=sa;Pwd={{{}}}", doubled("}")),
            format!("jdbc:sqlserver://h;user=sa;password={{{}}}", doubled("}")),
        ] {
            prop_assert_eq!(login(&parse(&location)).1, password.clone());
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", scheme in "(mssql://|jdbc:sqlserver://|Server=)") {
        let _ = Address::is_address(&text);
        let _ = parse_with(&text, &[]);
        let _ = parse_with(&format!("{scheme}{text}"), &[]);
    }
}
