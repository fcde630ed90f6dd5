//! x
use mssql2pg_catalog::*;
use mssql2pg_mapping::encode::*;
use mssql2pg_mapping::settings::TextPolicy;
struct Kept(Vec<u8>);
impl CopyOutput for Kept {
    fn chunk(&mut self, b: &[u8], _: u64) -> Result<(), Stop> {
        self.0.extend_from_slice(b);
        Ok(())
    }
    fn rejected(&mut self, _: RejectedRow) -> Result<(), Stop> {
        Ok(())
    }
}
#[test]
fn dump() {
    let mut catalog = Catalog::default();
    let mut table = Table { name: ObjectName::new("dbo", "T"), ..Table::default() };
    table.columns.push(Column::new("a", SqlType::Text));
    table.columns.push(Column::new("b", SqlType::Image));
    catalog.tables.push(table);
    let settings =
        mssql2pg_mapping::MappingSettings { invalid_text: TextPolicy::Reject, ..Default::default() };
    let plan = mssql2pg_mapping::plan_database(&catalog, &settings).unwrap();
    for page in [874u16, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 437, 850, 932, 936, 949, 950] {
        let mut kept = Kept(Vec::new());
        let mut copy = CopyRows::new(&plan.tables[0], 1 << 20, &mut kept);
        let mut all: Vec<Vec<u8>> = (0x01..=0xFFu8).map(|b| vec![b]).collect();
        if matches!(page, 932 | 936 | 949 | 950) {
            for a in 0x80..=0xFFu8 {
                for b in 0x01..=0xFFu8 {
                    all.push(vec![a, b]);
                }
            }
        }
        for bytes in all {
            copy.value(Value::CodePage(&bytes, CodePage(page)));
            copy.value(Value::Bytes(&bytes));
            copy.end_row().unwrap();
        }
        copy.finish().unwrap();
        std::fs::write(format!("/tmp/cp/{page}.bin"), &kept.0).unwrap();
    }
}
