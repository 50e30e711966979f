//! A brief as a Word file: the few parts of Office Open XML (ECMA-376) that it needs, in a zip.
//!
//! Text stands in `w:t` alone: no field, no macro, nothing that Word interprets. Links are relationships to outside.

use super::{
    Links,
    clean::{escape, target},
    draft::{Brief, Figure, Run, Table, change},
};
use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};
use zip::{ZipWriter, result::ZipError, write::SimpleFileOptions};

/// The media type of a Word file.
pub const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
/// The longest bar of the curve, in characters.
const BAR: u64 = 24;

const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
<Default Extension=\"xml\" ContentType=\"application/xml\"/>\
<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\
<Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/>\
</Types>";

const STYLES: &str = "<w:docDefaults><w:rPrDefault><w:rPr>\
<w:rFonts w:ascii=\"Times New Roman\" w:hAnsi=\"Times New Roman\" w:eastAsia=\"仿宋\" w:cs=\"Times New Roman\"/>\
<w:sz w:val=\"24\"/><w:szCs w:val=\"24\"/><w:lang w:val=\"en-US\" w:eastAsia=\"zh-CN\"/></w:rPr></w:rPrDefault>\
<w:pPrDefault><w:pPr><w:spacing w:after=\"80\" w:line=\"340\" w:lineRule=\"auto\"/></w:pPr></w:pPrDefault></w:docDefaults>\
<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/></w:style>\
<w:style w:type=\"paragraph\" w:styleId=\"Title\"><w:name w:val=\"Title\"/><w:basedOn w:val=\"Normal\"/><w:pPr><w:jc w:val=\"center\"/></w:pPr>\
<w:rPr><w:rFonts w:eastAsia=\"黑体\"/><w:b/><w:color w:val=\"B3261E\"/><w:sz w:val=\"40\"/></w:rPr></w:style>\
<w:style w:type=\"paragraph\" w:styleId=\"Heading1\"><w:name w:val=\"heading 1\"/><w:basedOn w:val=\"Normal\"/>\
<w:pPr><w:keepNext/><w:spacing w:before=\"240\"/><w:outlineLvl w:val=\"0\"/></w:pPr>\
<w:rPr><w:rFonts w:eastAsia=\"黑体\"/><w:b/><w:sz w:val=\"28\"/></w:rPr></w:style>\
<w:style w:type=\"paragraph\" w:styleId=\"Note\"><w:name w:val=\"Note\"/><w:basedOn w:val=\"Normal\"/>\
<w:rPr><w:color w:val=\"555555\"/><w:sz w:val=\"18\"/></w:rPr></w:style>\
<w:style w:type=\"character\" w:styleId=\"Hyperlink\"><w:name w:val=\"Hyperlink\"/>\
<w:rPr><w:color w:val=\"0B57A4\"/><w:u w:val=\"single\"/></w:rPr></w:style>";

/// The file. Links of figures go to the console that `links` names.
///
/// # Errors
/// When it cannot be zipped.
pub fn docx(brief: &Brief, links: &Links) -> Result<Vec<u8>, ZipError> {
    let mut document = Document { links, body: String::new(), targets: Vec::new() };
    document.brief(brief);
    let Document { body, targets, .. } = document;
    let mut relationships = format!(
        "{HEAD}<Relationships xmlns=\"{RELATIONSHIPS}\">\
         <Relationship Id=\"styles\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>"
    );
    for (number, address) in targets.iter().enumerate() {
        let _ = write!(
            relationships,
            "<Relationship Id=\"link{number}\" Type=\"{OFFICE}/hyperlink\" Target=\"{}\" TargetMode=\"External\"/>",
            target(address)
        );
    }
    relationships.push_str("</Relationships>");
    let package = format!(
        "{HEAD}<Relationships xmlns=\"{RELATIONSHIPS}\">\
         <Relationship Id=\"document\" Type=\"{OFFICE}/officeDocument\" Target=\"word/document.xml\"/></Relationships>"
    );
    // A4, in twentieths of a point.
    let page = "<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
                <w:pgMar w:top=\"1440\" w:right=\"1247\" w:bottom=\"1440\" w:left=\"1247\" w:header=\"720\" w:footer=\"720\" w:gutter=\"0\"/></w:sectPr>";
    let text =
        format!("{HEAD}<w:document xmlns:w=\"{WORD}\" xmlns:r=\"{OFFICE}\"><w:body>{body}{page}</w:body></w:document>");
    let styles = format!("{HEAD}<w:styles xmlns:w=\"{WORD}\">{STYLES}</w:styles>");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, part) in [
        ("[Content_Types].xml", format!("{HEAD}{TYPES}")),
        ("_rels/.rels", package),
        ("word/document.xml", text),
        ("word/_rels/document.xml.rels", relationships),
        ("word/styles.xml", styles),
    ] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(part.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The document as it grows.
struct Document<'a> {
    links: &'a Links,
    body: String,
    /// Where its links go, by their numbers.
    targets: Vec<String>,
}

impl Document<'_> {
    fn brief(&mut self, brief: &Brief) {
        self.paragraph("Title", |document| document.text(&brief.title));
        self.paragraph("Note", |document| document.text(&brief.subtitle));
        for sentence in &brief.lead {
            self.paragraph("Normal", |document| {
                for run in sentence {
                    match run {
                        Run::Text(text) => document.text(text),
                        Run::Figure(figure) => document.number(figure),
                    }
                }
            });
        }
        self.table(&brief.totals);
        if !brief.curve.is_empty() {
            self.paragraph("Heading1", |document| document.text("发帖走势"));
            let most = brief.curve.iter().map(|bar| bar.figure.value).max().unwrap_or(1).max(1);
            self.grid(&[2_000, 1_200, 6_200], |document| {
                document.row(&["时间", "条数", ""]);
                for bar in &brief.curve {
                    let length = (u128::from(bar.figure.value) * u128::from(BAR)).div_ceil(u128::from(most));
                    document.body.push_str("<w:tr>");
                    document.cell(|document| document.text(&bar.label));
                    document.cell(|document| document.number(&bar.figure));
                    document.cell(|document| document.text(&"█".repeat(length as usize)));
                    document.body.push_str("</w:tr>");
                }
            });
        }
        for table in &brief.tables {
            self.table(table);
        }
        self.samples(brief);
        let notes: Vec<&str> = brief.notes.iter().map(String::as_str).chain(self.links.note()).collect();
        for note in notes {
            self.paragraph("Note", |document| document.text(note));
        }
    }

    fn samples(&mut self, brief: &Brief) {
        if brief.samples.is_empty() {
            return;
        }
        let address = self.links.of(&brief.samples_ask);
        self.paragraph("Heading1", |document| document.link(address, "传播最广的帖子"));
        for (number, sample) in (1..).zip(&brief.samples) {
            self.paragraph("Normal", |document| {
                document.text(&format!("{number}. "));
                match &sample.url {
                    Some(url) => document.link(url.clone(), &sample.title),
                    None => document.text(&sample.title),
                }
            });
            if !sample.excerpt.is_empty() {
                self.paragraph("Normal", |document| document.text(&sample.excerpt));
            }
            self.paragraph("Note", |document| {
                document.text(&format!("{}　{}", sample.source, sample.published));
                for (name, value) in &sample.counts {
                    document.text(&format!("　{name} "));
                    document.link(document.links.of(&sample.ask), &value.to_string());
                }
            });
        }
    }

    fn table(&mut self, table: &Table) {
        self.paragraph("Heading1", |document| document.text(table.title));
        self.grid(&[4_600, 1_600, 1_600, 1_600], |document| {
            document.row(&["名称", "本期", "上一期", "环比"]);
            for row in &table.rows {
                document.body.push_str("<w:tr>");
                document.cell(|document| document.text(&row.name));
                document.cell(|document| document.number(&row.now));
                document.cell(|document| document.number(&row.before));
                document.cell(|document| document.text(&change(row.now.value, row.before.value)));
                document.body.push_str("</w:tr>");
            }
        });
    }

    fn grid(&mut self, widths: &[u32], rows: impl FnOnce(&mut Self)) {
        self.body.push_str("<w:tbl><w:tblPr><w:tblW w:w=\"0\" w:type=\"auto\"/><w:tblBorders>");
        for side in ["top", "left", "bottom", "right", "insideH", "insideV"] {
            let _ = write!(self.body, "<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"BFBFBF\"/>");
        }
        self.body.push_str("</w:tblBorders></w:tblPr><w:tblGrid>");
        for width in widths {
            let _ = write!(self.body, "<w:gridCol w:w=\"{width}\"/>");
        }
        self.body.push_str("</w:tblGrid>");
        rows(self);
        self.body.push_str("</w:tbl>");
    }

    fn row(&mut self, texts: &[&str]) {
        self.body.push_str("<w:tr><w:trPr><w:tblHeader/></w:trPr>");
        for text in texts {
            self.cell(|document| document.text(text));
        }
        self.body.push_str("</w:tr>");
    }

    fn cell(&mut self, runs: impl FnOnce(&mut Self)) {
        self.body.push_str("<w:tc><w:p><w:pPr><w:spacing w:after=\"0\" w:line=\"280\" w:lineRule=\"auto\"/></w:pPr>");
        runs(self);
        self.body.push_str("</w:p></w:tc>");
    }

    fn paragraph(&mut self, style: &str, runs: impl FnOnce(&mut Self)) {
        let _ = write!(self.body, "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>");
        runs(self);
        self.body.push_str("</w:p>");
    }

    fn text(&mut self, text: &str) {
        let _ = write!(self.body, "<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>", escape(text));
    }

    fn number(&mut self, figure: &Figure) {
        self.link(self.links.of(&figure.ask), &figure.value.to_string());
    }

    fn link(&mut self, address: String, text: &str) {
        let number = self.targets.len();
        self.targets.push(address);
        let _ = write!(
            self.body,
            "<w:hyperlink r:id=\"link{number}\"><w:r><w:rPr><w:rStyle w:val=\"Hyperlink\"/></w:rPr>\
             <w:t xml:space=\"preserve\">{}</w:t></w:r></w:hyperlink>",
            escape(text)
        );
    }
}
