//! The words that rows are made of: names, places, goods and sentences, some of them not ASCII.
//!
//! Invariant: every name comes with an ASCII spelling, so that an e-mail address derived from it is
//! valid by any rule. Nobody in here is a real person; the domains are those of RFC 2606.

/// A given name and its spelling in an e-mail address.
pub(crate) const FIRST_NAMES: &[(&str, &str)] = &[
    ("Anna", "anna"),
    ("Ben", "ben"),
    ("Carla", "carla"),
    ("David", "david"),
    ("Elif", "elif"),
    ("Frank", "frank"),
    ("Grace", "grace"),
    ("Hugo", "hugo"),
    ("Ines", "ines"),
    ("Jack", "jack"),
    ("Karin", "karin"),
    ("Luca", "luca"),
    ("Maria", "maria"),
    ("Noah", "noah"),
    ("Olivia", "olivia"),
    ("Paul", "paul"),
    ("Quentin", "quentin"),
    ("Rosa", "rosa"),
    ("Samuel", "samuel"),
    ("Tara", "tara"),
    ("Ulrich", "ulrich"),
    ("Vera", "vera"),
    ("William", "william"),
    ("Xenia", "xenia"),
    ("Yusuf", "yusuf"),
    ("Aisha", "aisha"),
    ("Bruno", "bruno"),
    ("Chloe", "chloe"),
    ("Daniel", "daniel"),
    ("Emma", "emma"),
    ("Zoë", "zoe"),
    ("Łukasz", "lukasz"),
    ("Jürgen", "juergen"),
    ("Søren", "soren"),
    ("Žofie", "zofie"),
    ("François", "francois"),
    ("Íñigo", "inigo"),
    ("Дмитрий", "dmitry"),
    ("Ελένη", "eleni"),
    ("美咲", "misaki"),
];

/// A family name and its spelling in an e-mail address. One has an apostrophe, one is outside the
/// Basic Multilingual Plane (𠮷, which takes a surrogate pair in UTF-16).
pub(crate) const LAST_NAMES: &[(&str, &str)] = &[
    ("Smith", "smith"),
    ("Johnson", "johnson"),
    ("Brown", "brown"),
    ("Garcia", "garcia"),
    ("Miller", "miller"),
    ("Davis", "davis"),
    ("Martinez", "martinez"),
    ("Wilson", "wilson"),
    ("Anderson", "anderson"),
    ("Taylor", "taylor"),
    ("Moore", "moore"),
    ("Martin", "martin"),
    ("Thompson", "thompson"),
    ("White", "white"),
    ("Harris", "harris"),
    ("Clark", "clark"),
    ("Lewis", "lewis"),
    ("Walker", "walker"),
    ("Hall", "hall"),
    ("Young", "young"),
    ("King", "king"),
    ("Wright", "wright"),
    ("Schneider", "schneider"),
    ("Fischer", "fischer"),
    ("Weber", "weber"),
    ("Rossi", "rossi"),
    ("Dubois", "dubois"),
    ("Novak", "novak"),
    ("Kowalski", "kowalski"),
    ("Jansen", "jansen"),
    ("O'Brien", "obrien"),
    ("Müller", "mueller"),
    ("Nuñez", "nunez"),
    ("Grönlund", "gronlund"),
    ("Wójcik", "wojcik"),
    ("Þórsson", "thorsson"),
    ("Иванова", "ivanova"),
    ("Παππάς", "pappas"),
    ("東", "azuma"),
    ("𠮷田", "yoshida"),
];

/// The domains of all e-mail addresses (RFC 2606).
pub(crate) const DOMAINS: &[&str] = &["example.com", "example.org", "example.net", "mail.example.com"];

/// A city with its state, if it has one, country, the start of its postal codes, latitude and
/// longitude in millionths of a degree.
#[derive(Clone, Copy)]
pub(crate) struct City {
    pub(crate) name: &'static str,
    pub(crate) state: Option<&'static str>,
    pub(crate) country: &'static str,
    pub(crate) postal: &'static str,
    pub(crate) latitude: i64,
    pub(crate) longitude: i64,
}

const fn city(
    name: &'static str,
    state: Option<&'static str>,
    country: &'static str,
    postal: &'static str,
    latitude: i64,
    longitude: i64,
) -> City {
    City { name, state, country, postal, latitude, longitude }
}

/// Where customers and suppliers live.
pub(crate) const CITIES: &[City] = &[
    city("Seattle", Some("Washington"), "US", "981", 47_606_200, -122_332_100),
    city("Austin", Some("Texas"), "US", "787", 30_267_200, -97_743_100),
    city("Boston", Some("Massachusetts"), "US", "021", 42_360_100, -71_058_900),
    city("Chicago", Some("Illinois"), "US", "606", 41_878_100, -87_629_800),
    city("Toronto", Some("Ontario"), "CA", "M5V ", 43_653_200, -79_383_200),
    city("Montréal", Some("Québec"), "CA", "H2Y ", 45_501_700, -73_567_300),
    city("London", None, "GB", "EC1A ", 51_507_400, -127_800),
    city("Leeds", None, "GB", "LS1 ", 53_800_800, -1_549_100),
    city("Berlin", None, "DE", "101", 52_520_000, 13_405_000),
    city("München", None, "DE", "803", 48_135_100, 11_582_000),
    city("Zürich", None, "CH", "80", 47_376_900, 8_541_700),
    city("Kraków", None, "PL", "31-0", 50_064_700, 19_945_000),
    city("København", None, "DK", "21", 55_676_100, 12_568_300),
    city("Lyon", None, "FR", "690", 45_764_000, 4_835_700),
    city("Madrid", None, "ES", "280", 40_416_800, -3_703_800),
    city("São Paulo", Some("SP"), "BR", "01310-", -23_550_500, -46_633_300),
    city("東京", None, "JP", "100-", 35_676_200, 139_650_300),
    city("Sydney", Some("New South Wales"), "AU", "20", -33_868_800, 151_209_300),
];

/// Streets.
pub(crate) const STREETS: &[&str] = &[
    "Main Street",
    "Oak Avenue",
    "Station Road",
    "Church Lane",
    "Mill Road",
    "Hauptstraße",
    "Rue de la Paix",
    "Market Square",
    "Harbour View",
    "Park Lane",
    "Via Roma",
    "ul. Długa",
];

/// The categories of goods; those with a parent name its place in this list.
pub(crate) const CATEGORIES: &[(&str, Option<u64>)] = &[
    ("Outdoor", None),
    ("Kitchen", None),
    ("Office", None),
    ("Garden", None),
    ("Toys", None),
    ("Tents", Some(0)),
    ("Backpacks", Some(0)),
    ("Lamps & Torches", Some(0)),
    ("Sleeping Bags", Some(0)),
    ("Cookware", Some(1)),
    ("Knives", Some(1)),
    ("Small Appliances", Some(1)),
    ("Chairs", Some(2)),
    ("Desks", Some(2)),
    ("Paper", Some(2)),
    ("Pens", Some(2)),
    ("Tools", Some(3)),
    ("Pots & Planters", Some(3)),
    ("Watering", Some(3)),
    ("Puzzles", Some(4)),
    ("Board Games", Some(4)),
    ("Building Blocks", Some(4)),
    ("Trekking Tents", Some(5)),
    ("Family Tents", Some(5)),
];

/// What a product's name begins with.
pub(crate) const PRODUCT_KINDS: &[&str] = &[
    "Alpine",
    "Basic",
    "Classic",
    "Compact",
    "Deluxe",
    "Eco",
    "Folding",
    "Heavy-Duty",
    "Light",
    "Café",
    "Pro",
    "Junior",
    "Smart",
    "Travel",
    "Urban",
    "Vintage",
];

/// What a product is.
pub(crate) const PRODUCT_NOUNS: &[&str] = &[
    "Tent",
    "Backpack",
    "Lantern",
    "Pan",
    "Chef's Knife",
    "Kettle",
    "Chair",
    "Desk",
    "Notebook",
    "Fountain Pen",
    "Spade",
    "Planter",
    "Hose",
    "Puzzle",
    "Board Game",
    "Block Set",
];

/// Colours.
pub(crate) const COLOURS: &[&str] = &["Black", "White", "Red", "Blue", "Green", "Silver", "Rosé"];

/// Sizes.
pub(crate) const SIZES: &[&str] = &["XS", "S", "M", "L", "XL", "40x60 cm"];

/// Titles of the people who work here, from the top of the tree down.
pub(crate) const JOB_TITLES: &[&str] = &[
    "Chief Executive",
    "Director",
    "Manager",
    "Team Lead",
    "Sales Representative",
    "Accountant",
    "Warehouse Associate",
    "Support Agent",
    "Developer",
];

/// Departments.
pub(crate) const DEPARTMENTS: &[&str] = &[
    "Management",
    "Sales",
    "Purchasing",
    "Finance",
    "Warehouse",
    "Customer Service",
    "Marketing",
    "Information Technology",
    "Human Resources",
    "Research & Development",
];

/// The legal forms of suppliers.
pub(crate) const COMPANY_FORMS: &[&str] = &["Ltd", "Inc.", "GmbH", "S.A.", "AB", "& Sons", "株式会社"];

/// What customers write in a review.
pub(crate) const OPINIONS: &[&str] = &[
    "Works as described.",
    "Very happy with it, would buy again.",
    "Arrived late, but the quality is good.",
    "Too small for my needs.",
    "Great value for the price! 👍",
    "The colour differs from the picture.",
    "Broke after two weeks 😞",
    "Sehr gute Qualität.",
    "Très bon produit, je recommande.",
    "買ってよかったです。",
    "My children love it.",
    "Solid, simple, no complaints.",
];

/// What the staff notes about a customer.
pub(crate) const NOTES: &[&str] = &[
    "Prefers delivery in the morning.",
    "Asked for an invoice by post.",
    "Ring twice; the bell is weak.",
    "VIP: call before changing an order.",
    "Moved house, see the second address.",
    "Speaks Łódź dialect only. 🙂",
];

/// What is written on an order.
pub(crate) const ORDER_COMMENTS: &[&str] = &[
    "Please leave the parcel with the neighbour.",
    "Gift: no invoice in the box.",
    "Deliver after 18:00.",
    "Bitte klingeln – 3. Stock.",
    "Second attempt, the first parcel was lost.",
];

/// Why goods come back.
pub(crate) const RETURN_REASONS: &[&str] =
    &["Damaged in transit", "Wrong size", "Ordered twice", "Does not match the description"];

/// How people pay.
pub(crate) const PAYMENT_METHODS: &[&str] = &["card", "card", "card", "paypal", "invoice", "transfer"];

/// Currencies.
pub(crate) const CURRENCIES: &[&str] = &["EUR", "USD", "GBP", "CHF"];

/// What is logged.
pub(crate) const AUDIT_ACTIONS: &[&str] = &["insert", "update", "update", "delete", "login", "export"];

/// How many of a product are bought at once: few mostly, many sometimes.
pub(crate) const QUANTITIES: &[i64] = &[1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8, 12, 24, 60];
