//! Changes to a document's text. Some change the writing alone, the others are what attackers and damaged lines do.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::bn::{BigNum, BigNumContext};
use openssl::{ec::EcGroup, nid::Nid};
use proptest::{
    prelude::Rng as _,
    test_runner::{RngAlgorithm, TestRng},
};

/// Chance that a number repeats.
pub struct Dice(TestRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut octets = [0; 32];
        octets[..8].copy_from_slice(&seed.to_be_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &octets))
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0.next_u32() as usize % n.max(1)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}

/// One way to change a document; nothing where it has no place for it.
pub struct Change {
    pub name: &'static str,
    /// Whether only the writing changes. A place where it changes more (a prefix that a PrefixList names) may be hit.
    pub writing: bool,
    pub make: fn(&mut Dice, &str) -> Option<String>,
}

macro_rules! changes {
    ($($kind:ident $name:ident,)*) => {
        pub const CHANGES: &[Change] = &[$(Change {
            name: stringify!($name),
            writing: stringify!($kind).len() == "writing".len(),
            make: $name,
        }),*];
    };
}

changes! {
    writing attributes_in_another_order,
    writing base64_in_lines,
    writing cdata,
    writing character_reference_in_attribute,
    writing character_reference_in_text,
    writing declaration_in_front,
    writing ecdsa_other_half,
    writing empty_element_in_long,
    writing key_info,
    writing line_ends,
    writing other_quotes,
    writing prefix_declared_again,
    writing space_around,
    writing space_between_parts,
    writing space_in_tag,
    writing spaces_in_attribute,
    writing unused_prefix,
    damage attribute_added,
    damage base64_variant,
    damage byte_flip,
    damage canonicalization_method,
    damage comment,
    damage doctype,
    damage ecdsa_in_der,
    damage element_duplicated,
    damage element_moved,
    damage element_removed,
    damage element_wrapped,
    damage id_duplicated,
    damage prefix_list,
    damage prefix_renamed,
    damage prefix_rebound,
    damage processing_instruction,
    damage reference_uri,
    damage syntax,
    damage text_changed,
    damage transform,
    damage whole_wrapped,
}

/// An element: its start tag, and all of it.
#[derive(Clone)]
struct Place {
    tag: Range<usize>,
    whole: Range<usize>,
}

/// The elements of a well-formed document, and the runs of text between tags.
fn places(xml: &str) -> (Vec<Place>, Vec<Range<usize>>) {
    let (mut found, mut open, mut texts) = (Vec::<Place>::new(), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(next) = xml[at..].find('<').map(|offset| at + offset) {
        if !open.is_empty() && next > at {
            texts.push(at..next);
        }
        let rest = &xml[next..];
        let skipped = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")];
        if let Some((_, end)) = skipped.iter().find(|(start, _)| rest.starts_with(start)) {
            let Some(end) = rest.find(end).map(|offset| next + offset + end.len()) else { break };
            at = end;
            continue;
        }
        let mut quote = None;
        let end = rest.bytes().position(|octet| match (quote, octet) {
            (Some(q), _) => {
                if q == octet {
                    quote = None;
                }
                false
            }
            (None, b'"' | b'\'') => {
                quote = Some(octet);
                false
            }
            (None, _) => octet == b'>',
        });
        let Some(end) = end.map(|offset| next + offset + 1) else { break };
        if rest.starts_with("</") {
            let Some(index) = open.pop() else { break };
            let place: &mut Place = &mut found[index];
            place.whole.end = end;
        } else {
            if !xml[..end].ends_with("/>") {
                open.push(found.len());
            }
            found.push(Place { tag: next..end, whole: next..end });
        }
        at = end;
    }
    (found, texts)
}

fn replaced(xml: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &xml[..range.start], &xml[range.end..])
}

fn inserted(xml: &str, at: usize, text: &str) -> String {
    replaced(xml, at..at, text)
}

/// Where something can be put between the elements and in their text.
fn any_seam(dice: &mut Dice, xml: &str) -> Option<usize> {
    let (elements, texts) = places(xml);
    let place = dice.pick(&elements)?.clone();
    Some(match dice.below(4) {
        0 => place.tag.start,
        1 => place.tag.end,
        2 => place.whole.end,
        _ => {
            let text = dice.pick(&texts)?.clone();
            let mut at = text.start + dice.below(text.len());
            while !xml.is_char_boundary(at) {
                at += 1;
            }
            at
        }
    })
}

/// What stands between the tags of the first element of this name.
fn content(xml: &str, name: &str) -> Option<Range<usize>> {
    let start = xml.find(&format!("<{name}>")).map(|at| at + name.len() + 2)?;
    let end = xml[start..].find(&format!("</{name}>"))? + start;
    Some(start..end)
}

/// Name and raw value of each attribute of a start tag, with the place of the value.
fn attributes(xml: &str, tag: &Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = tag.start;
    while let Some(space) = xml[at..tag.end].find(|c: char| c.is_ascii_whitespace()).map(|o| at + o) {
        let Some(name) = xml[space..tag.end].find(|c: char| !c.is_ascii_whitespace()).map(|o| space + o) else { break };
        let Some(equals) = xml[name..tag.end].find('=').map(|o| name + o) else { break };
        let Some(quote) = xml[equals..tag.end].find(['"', '\'']).map(|o| equals + o) else { break };
        let Some(close) = xml[quote + 1..tag.end].find(&xml[quote..=quote]).map(|o| quote + 1 + o) else { break };
        found.push((name..close + 1, quote + 1..close));
        at = close + 1;
    }
    found
}

fn any_attribute(dice: &mut Dice, xml: &str) -> Option<(Range<usize>, Range<usize>)> {
    let (elements, _) = places(xml);
    let all: Vec<_> = elements.iter().flat_map(|place| attributes(xml, &place.tag)).collect();
    dice.pick(&all).cloned()
}

/// A letter or digit in this range, which is no part of a reference or a tag.
fn any_letter(dice: &mut Dice, xml: &str, range: Range<usize>) -> Option<usize> {
    let letters: Vec<usize> = range.clone().filter(|at| xml.as_bytes()[*at].is_ascii_alphanumeric()).collect();
    let at = *dice.pick(&letters)?;
    let before = &xml[range.start..at];
    (before.rfind('&') <= before.rfind(';')).then_some(at)
}

fn reference(dice: &mut Dice, c: char) -> String {
    let code = u32::from(c);
    match dice.below(4) {
        0 => format!("&#{code};"),
        1 => format!("&#x{code:x};"),
        2 => format!("&#x{code:X};"),
        _ => format!("&#x000{code:x};"),
    }
}

fn attributes_in_another_order(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let several: Vec<_> =
        elements.iter().map(|place| attributes(xml, &place.tag)).filter(|all| all.len() > 1).collect();
    let all = dice.pick(&several)?;
    let mut words: Vec<&str> = all.iter().map(|(whole, _)| &xml[whole.clone()]).collect();
    for i in (1..words.len()).rev() {
        let other = dice.below(i + 1);
        words.swap(i, other);
    }
    Some(replaced(xml, all[0].0.start..all[all.len() - 1].0.end, &words.join(" ")))
}

fn base64_in_lines(dice: &mut Dice, xml: &str) -> Option<String> {
    let value = content(xml, "ds:SignatureValue")?;
    let mut out = xml.to_owned();
    for _ in 0..=dice.below(4) {
        let at = value.start + dice.below(value.len() + 1);
        out.insert_str(at, dice.pick(&["\n", " ", "\t", "\r\n", "&#13;", "&#10;  "])?);
    }
    Some(out)
}

fn cdata(dice: &mut Dice, xml: &str) -> Option<String> {
    let (_, texts) = places(xml);
    let plain: Vec<_> = texts.into_iter().filter(|text| !xml[text.clone()].contains('&')).collect();
    let text = dice.pick(&plain)?.clone();
    Some(replaced(xml, text.clone(), &format!("<![CDATA[{}]]>", &xml[text])))
}

fn character_reference_in_attribute(dice: &mut Dice, xml: &str) -> Option<String> {
    let (_, value) = any_attribute(dice, xml)?;
    let at = any_letter(dice, xml, value)?;
    let c = char::from(xml.as_bytes()[at]);
    Some(replaced(xml, at..at + 1, &reference(dice, c)))
}

fn character_reference_in_text(dice: &mut Dice, xml: &str) -> Option<String> {
    let (_, texts) = places(xml);
    let text = dice.pick(&texts)?.clone();
    let at = any_letter(dice, xml, text)?;
    let c = char::from(xml.as_bytes()[at]);
    Some(replaced(xml, at..at + 1, &reference(dice, c)))
}

fn declaration_in_front(dice: &mut Dice, xml: &str) -> Option<String> {
    let front = dice.pick(&[
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='utf-8' standalone='no'?>\n",
        "\u{FEFF}",
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n",
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>",
        "<?xml version = \"1.0\" standalone=\"yes\"?>",
    ])?;
    Some(format!("{front}{xml}"))
}

/// The signature (r, n - s) says the same as (r, s): nobody may take a signature's octets for its identity.
fn ecdsa_other_half(_: &mut Dice, xml: &str) -> Option<String> {
    let (place, octets, curve) = ecdsa_value(xml)?;
    let (r, s) = octets.split_at(octets.len() / 2);
    let mut order = BigNum::new().ok()?;
    EcGroup::from_curve_name(curve).ok()?.order(&mut order, &mut *BigNumContext::new().ok()?).ok()?;
    let mut other = BigNum::new().ok()?;
    other.checked_sub(&order, &*BigNum::from_slice(s).ok()?).ok()?;
    let s = other.to_vec_padded(i32::try_from(s.len()).ok()?).ok()?;
    Some(replaced(xml, place, &BASE64.encode([r, &s].concat())))
}

fn ecdsa_in_der(_: &mut Dice, xml: &str) -> Option<String> {
    let (place, octets, _) = ecdsa_value(xml)?;
    let (r, s) = octets.split_at(octets.len() / 2);
    let number = |octets: &[u8]| BigNum::from_slice(octets).ok();
    let der = openssl::ecdsa::EcdsaSig::from_private_components(number(r)?, number(s)?).ok()?.to_der().ok()?;
    Some(replaced(xml, place, &BASE64.encode(der)))
}

fn ecdsa_value(xml: &str) -> Option<(Range<usize>, Vec<u8>, Nid)> {
    let place = content(xml, "ds:SignatureValue")?;
    let octets = BASE64.decode(&xml[place.clone()]).ok()?;
    let curve = match octets.len() {
        64 => Nid::X9_62_PRIME256V1,
        96 => Nid::SECP384R1,
        _ => return None,
    };
    Some((place, octets, curve))
}

fn empty_element_in_long(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let empty: Vec<_> = elements.iter().filter(|place| xml[place.tag.clone()].ends_with("/>")).collect();
    let tag = dice.pick(&empty)?.tag.clone();
    let name = xml[tag.start + 1..].split(|c: char| c.is_ascii_whitespace() || c == '/').next()?;
    Some(replaced(xml, tag.end - 2..tag.end, &format!("></{name}>")))
}

fn key_info(dice: &mut Dice, xml: &str) -> Option<String> {
    let start = xml.find("<ds:KeyInfo>")?;
    let end = xml.find("</ds:KeyInfo>")? + "</ds:KeyInfo>".len();
    let certificate = BASE64.encode(&crate::saml::keys::OTHER_RSA.certificate_der);
    let certificate = format!(
        "<ds:KeyInfo Id=\"_k\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    let others = [
        "",
        "<ds:KeyInfo/>",
        "<ds:KeyInfo><ds:KeyName>other</ds:KeyName>text<x/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>no base64!</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://localhost:1/key\"/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>Aw==</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>",
        "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><y xmlns=\"urn:y\" ID=\"_y\"/></ds:KeyInfo>",
        &*certificate,
    ];
    Some(replaced(xml, start..end, dice.pick(&others)?))
}

fn line_ends(dice: &mut Dice, xml: &str) -> Option<String> {
    let ends: Vec<usize> = xml.match_indices('\n').map(|(at, _)| at).collect();
    let at = *dice.pick(&ends)?;
    Some(replaced(xml, at..at + 1, dice.pick(&["\r\n", "\r"])?))
}

fn other_quotes(dice: &mut Dice, xml: &str) -> Option<String> {
    let (_, value) = any_attribute(dice, xml)?;
    let other = if &xml[value.end..=value.end] == "\"" { "'" } else { "\"" };
    (!xml[value.clone()].contains(other))
        .then(|| replaced(xml, value.start - 1..value.end + 1, &format!("{other}{}{other}", &xml[value])))
}

fn prefix_declared_again(dice: &mut Dice, xml: &str) -> Option<String> {
    let declaration = dice.pick(&[
        " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
        " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        " xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
    ])?;
    in_a_tag(dice, xml, declaration)
}

fn in_a_tag(dice: &mut Dice, xml: &str, text: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let tag = dice.pick(&elements)?.tag.clone();
    let end = tag.end - if xml[tag.clone()].ends_with("/>") { 2 } else { 1 };
    Some(inserted(xml, end, text))
}

fn space_around(dice: &mut Dice, xml: &str) -> Option<String> {
    let space = *dice.pick(&["\n", " ", "\r\n\t", "\r"])?;
    Some(if dice.below(2) == 0 && !xml.starts_with("<?xml") {
        format!("{space}{xml}")
    } else {
        format!("{xml}{space}")
    })
}

/// Directly in `ds:Signature`, which no digest is over, but for the parts of `ds:SignedInfo`.
fn space_between_parts(dice: &mut Dice, xml: &str) -> Option<String> {
    let seams = ["<ds:SignedInfo>", "<ds:SignatureValue>", "<ds:KeyInfo>", "</ds:Signature>"];
    let at = xml.find(dice.pick(&seams)?)?;
    Some(inserted(xml, at, dice.pick(&["\n", " ", "\r\n    ", "&#32;", "<![CDATA[ ]]>"])?))
}

fn space_in_tag(dice: &mut Dice, xml: &str) -> Option<String> {
    let space = *dice.pick(&["  ", "\n", "\t", "\r\n "])?;
    if dice.below(2) == 0 {
        return in_a_tag(dice, xml, space);
    }
    if dice.below(2) == 0 {
        let ends: Vec<usize> = xml.match_indices("</").filter_map(|(at, _)| Some(at + xml[at..].find('>')?)).collect();
        return Some(inserted(xml, *dice.pick(&ends)?, space));
    }
    let (_, value) = any_attribute(dice, xml)?;
    let equals = xml[..value.start].rfind('=')?;
    Some(inserted(xml, equals + dice.below(2), space))
}

fn spaces_in_attribute(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let spaces: Vec<usize> = elements
        .iter()
        .flat_map(|place| attributes(xml, &place.tag))
        .flat_map(|(_, value)| value.clone().filter(|at| xml.as_bytes()[*at] == b' ').collect::<Vec<_>>())
        .collect();
    let at = *dice.pick(&spaces)?;
    Some(replaced(xml, at..at + 1, dice.pick(&["\n", "\t", "\r", "\r\n", "&#32;", "&#x20;"])?))
}

fn unused_prefix(dice: &mut Dice, xml: &str) -> Option<String> {
    let declaration = dice.pick(&[
        " xmlns:unused=\"urn:unused\"",
        " xmlns:xml='http://www.w3.org/XML/1998/namespace'",
        " xmlns:ü=\"urn:x\"",
    ])?;
    in_a_tag(dice, xml, declaration)
}

fn attribute_added(dice: &mut Dice, xml: &str) -> Option<String> {
    let attribute = *dice.pick(&[
        " ForceAuthn=\"false\"",
        " Id=\"_n\"",
        " xml:space=\"preserve\"",
        " xml:base=\"http://localhost/\"",
        " a=\"1\" a=\"1\"",
        " samlp:ID=\"_n\"",
        " xmlns=\"urn:n\"",
    ])?;
    in_a_tag(dice, xml, attribute)
}

fn base64_variant(dice: &mut Dice, xml: &str) -> Option<String> {
    let place = content(xml, dice.pick(&["ds:SignatureValue", "ds:DigestValue"])?)?;
    let value = &xml[place.clone()];
    let other = match dice.below(7) {
        0 => value.trim_end_matches('=').to_owned(),
        1 => format!("{value}="),
        2 => format!("{value}===="),
        3 => value.replace('+', "-").replace('/', "_"),
        4 => {
            // Bits behind the last octet.
            let (head, padding) = value.split_at(value.trim_end_matches('=').len());
            let mut head = head.to_owned();
            let last = head.pop()?;
            head.push(char::from(u8::try_from(last).ok()?.wrapping_add(1)));
            head + padding
        }
        5 => BASE64.encode([&[0][..], &BASE64.decode(value).ok()?].concat()),
        _ => format!("{}{value}", dice.pick(&["=", "&#x41;", ".", "\u{A0}", "AAAA", "%"])?),
    };
    Some(replaced(xml, place, &other))
}

fn byte_flip(dice: &mut Dice, xml: &str) -> Option<String> {
    let mut octets = xml.as_bytes().to_vec();
    let at = dice.below(octets.len());
    *octets.get_mut(at)? ^= 1 << dice.below(8);
    String::from_utf8(octets).ok()
}

fn canonicalization_method(dice: &mut Dice, xml: &str) -> Option<String> {
    let other = dice.pick(&[
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "",
    ])?;
    Some(xml.replacen(
        "CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
        &format!("CanonicalizationMethod Algorithm=\"{other}\""),
        1,
    ))
}

fn comment(dice: &mut Dice, xml: &str) -> Option<String> {
    let at = any_seam(dice, xml)?;
    Some(inserted(xml, at, dice.pick(&["<!-- c -->", "<!---->"])?))
}

fn doctype(dice: &mut Dice, xml: &str) -> Option<String> {
    let root = xml.find('<')?;
    let declared = inserted(
        xml,
        root,
        dice.pick(&[
            "<!DOCTYPE samlp:AuthnRequest>",
            "<!DOCTYPE x [<!ENTITY e \"https://sp.example/\"><!ATTLIST saml:Issuer Format CDATA \"urn:x\">]>",
        ])?,
    );
    Some(if dice.below(2) == 0 { declared.replacen(">https://sp.example/<", ">&e;<", 1) } else { declared })
}

fn element_duplicated(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let place = dice.pick(&elements)?.clone();
    let at = if dice.below(2) == 0 { place.whole.end } else { dice.pick(&elements)?.tag.end };
    Some(inserted(xml, at, &xml[place.whole]))
}

fn element_moved(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let place = dice.pick(&elements)?.whole.clone();
    let element = &xml[place.clone()];
    let rest = replaced(xml, place, "");
    let at = any_seam(dice, &rest)?;
    Some(inserted(&rest, at, element))
}

fn element_removed(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let place = dice.pick(&elements)?.whole.clone();
    Some(replaced(xml, place, ""))
}

fn element_wrapped(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let place = dice.pick(&elements)?.whole.clone();
    let around = dice.pick(&["samlp:Extensions", "ds:Object", "saml:Advice", "x"])?;
    Some(replaced(xml, place.clone(), &format!("<{around}>{}</{around}>", &xml[place])))
}

fn id_duplicated(dice: &mut Dice, xml: &str) -> Option<String> {
    let id = *dice.pick(&[" ID=\"_1\"", " Id=\"_1\"", " id='_1'", " xml:id=\"_1\"", " AssertionID=\"&#95;1\""])?;
    in_a_tag(dice, xml, id)
}

fn prefix_list(dice: &mut Dice, xml: &str) -> Option<String> {
    let list = dice.pick(&[
        "PrefixList=\"xs\"",
        "PrefixList=\"#default\"",
        "PrefixList=\"saml samlp ds\"",
        "PrefixList=\"x unused #default\"",
        "PrefixList=\"xml xs xs\"",
        "PrefixList=\"xmlns\"",
        "PrefixList=\"\"",
        "PrefixList=\"a:b\"",
        "PrefixList=\" xs\"",
        "PrefixList=\"x  xs\"",
        "PrefixList=\"x\nxs&#9;saml\"",
        "PrefixList=\" \"",
        "",
    ])?;
    let list = format!("<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" {list}/>");
    let method = *dice.pick(&["ds:CanonicalizationMethod", "ds:Transform"])?;
    let at = xml.find(&format!("</{method}>"))?;
    Some(inserted(xml, at, &list))
}

fn prefix_renamed(dice: &mut Dice, xml: &str) -> Option<String> {
    let prefix = *dice.pick(&["saml", "samlp", "ds", "x"])?;
    let to = *dice.pick(&["other", "n", "saml2", "ü"])?;
    Some(
        xml.replace(&format!("<{prefix}:"), &format!("<{to}:"))
            .replace(&format!("</{prefix}:"), &format!("</{to}:"))
            .replace(&format!(" {prefix}:"), &format!(" {to}:"))
            .replace(&format!("xmlns:{prefix}="), &format!("xmlns:{to}=")),
    )
}

fn prefix_rebound(dice: &mut Dice, xml: &str) -> Option<String> {
    let prefix = *dice.pick(&[":saml", ":samlp", ":ds", ":x", ":xs", "", ":xmlns", ":xml"])?;
    let namespace =
        *dice.pick(&["urn:evil", "", "relative", "urn:oasis:names:tc:SAML:2.0:assertion", "urn:a b", "urn:%zz"])?;
    in_a_tag(dice, xml, &format!(" xmlns{prefix}=\"{namespace}\""))
}

fn processing_instruction(dice: &mut Dice, xml: &str) -> Option<String> {
    let at = any_seam(dice, xml)?;
    Some(inserted(xml, at, dice.pick(&["<?p i?>", "<?xml-stylesheet href=\"x\"?>", "<?p?>"])?))
}

fn reference_uri(dice: &mut Dice, xml: &str) -> Option<String> {
    let other = dice.pick(&[
        "URI=\"\"",
        "URI=\"#\"",
        "URI=\"#_2\"",
        "URI=\"#_r\"",
        "URI=\"#xpointer(/)\"",
        "URI=\"#xpointer(id('_1'))\"",
        "URI=\" #_1\"",
        "URI=\"#%5F1\"",
        "URI=\"&#35;_1\"",
        "",
    ])?;
    Some(xml.replacen("URI=\"#_1\"", other, 1))
}

fn syntax(dice: &mut Dice, xml: &str) -> Option<String> {
    let with = *dice.pick(&[
        "<", ">", "/", "=", "'", "\"", " ", ":", "&", ";", "x", "-", "]]>", "[", "!", "?", "\r", "\n", "#", "1", "é",
        "xmlns", "\u{85}", "\u{2028}", "&#x85;", "&#13;", "&amp;", "\u{7F}", "\u{FEFF}", "&#0;", "\u{FFFE}",
    ])?;
    let mut at = dice.below(xml.len());
    while !xml.is_char_boundary(at) {
        at -= 1;
    }
    let end = at + xml[at..].chars().next()?.len_utf8();
    Some(match dice.below(3) {
        0 => replaced(xml, at..end, ""),
        1 => replaced(xml, at..end, with),
        _ => inserted(xml, at, with),
    })
}

fn text_changed(dice: &mut Dice, xml: &str) -> Option<String> {
    let (from, to) = *dice.pick(&[
        ("https://sp.example/", "https://evil.example/"),
        ("persistent", "transient"),
        ("sam@agency.example", "eve@agency.example"),
        ("person@sp.example", "eve@sp.example"),
        ("ForceAuthn=\"true\"", "ForceAuthn=\"false\""),
        ("sha256\"", "sha512\""),
        ("rsa-sha", "hmac-sha"),
        ("ID=\"_1\"", "ID=\"_evil\""),
    ])?;
    xml.contains(from).then(|| xml.replacen(from, to, 1))
}

fn transform(dice: &mut Dice, xml: &str) -> Option<String> {
    const ENVELOPED: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let other = dice.pick(&[
        "",
        "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
        "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/>",
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>",
        "<ds:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\"/>",
    ])?;
    Some(match dice.below(3) {
        0 => xml.replacen(ENVELOPED, &format!("{ENVELOPED}{other}"), 1),
        1 => xml.replacen(ENVELOPED, other, 1),
        _ => xml.replacen("</ds:Transforms>", &format!("{other}</ds:Transforms>"), 1),
    })
}

/// Signature wrapping: the signed message is kept somewhere for the verifier, another one stands where the reader looks.
fn whole_wrapped(dice: &mut Dice, xml: &str) -> Option<String> {
    let (elements, _) = places(xml);
    let signed = elements.iter().find(|place| xml[place.tag.clone()].contains("ID=\"_1\""))?.whole.clone();
    let original = &xml[signed.clone()];
    let from = original.find("<ds:Signature ")?;
    let to = original.find("</ds:Signature>")? + "</ds:Signature>".len();
    let signature = &original[from..to];
    let bare = replaced(original, from..to, "");
    let id = *dice.pick(&["ID=\"_1\"", "ID=\"_evil\"", "Id=\"_1\"", "id=\"_1\"", ""])?;
    let evil = original.replacen("ID=\"_1\"", id, 1).replace("sp.example", "evil.example");
    let kept = if dice.below(2) == 0 { original } else { &*bare };
    let signature_of_evil = evil.find("<ds:Signature ")?..evil.find("</ds:Signature>")? + "</ds:Signature>".len();
    let wrapped = match dice.below(6) {
        0 => inserted(&evil, signature_of_evil.end, &format!("<samlp:Extensions>{kept}</samlp:Extensions>")),
        1 => {
            inserted(&evil, signature_of_evil.end - "</ds:Signature>".len(), &format!("<ds:Object>{kept}</ds:Object>"))
        }
        2 => inserted(&evil, evil.find("</ds:KeyInfo>")?, kept),
        3 => inserted(&evil, evil.find("</saml:Issuer>")?, kept),
        4 => format!("{}{kept}", replaced(&evil, signature_of_evil, signature)),
        _ => format!("{kept}{evil}"),
    };
    Some(replaced(xml, signed, &wrapped))
}
