//! How lines of reports are written and read.

use super::*;

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn full() -> Record {
    let mut record = Record::new("a/b.tar", "/in/b\u{1b}.tar", Status::Failed);
    record.in_digest = Some(digest("in"));
    record.output = Some("out/a/b.tar".into());
    record.out_digest = Some(digest("out"));
    record.images = vec![RecordedImage {
        names: vec!["app:1".into()],
        image_id: Some(ImageId::of_config(digest("config"))),
        manifest_digest: None,
        platform: Some("linux/amd64".into()),
    }];
    record.losses = vec!["an annotation".into()];
    record.recompressed = vec![Recompressed { from: digest("a"), to: digest("b"), compression: "gzip".into() }];
    record.bytes_in = u64::MAX;
    record.bytes_out = 7;
    record.seconds = Duration::from_micros(61_002_999);
    record.shard = Shard::new(3, 8);
    let error = Error::io("cannot write", std::io::Error::other("disk full")).within("b.tar");
    record.error = Some(Failure::of(&error));
    record
}

fn record(line: &str) -> Record {
    match parse_line(line.as_bytes()).unwrap() {
        Entry::Record(record) => *record,
        Entry::Summary(summary) => panic!("{summary:?}"),
    }
}

/// Scripts read these lines: keys, their order, and how values are written.
#[test]
fn a_line_is_written_like_this() {
    let (a, b) = (digest("a"), digest("b"));
    let (from, to, config) = (digest("in"), digest("out"), digest("config"));
    let want = format!(
        "{{\"schema\":1,\"item\":\"a/b.tar\",\"in\":\"/in/b\\u001b.tar\",\"in_digest\":\"{from}\",\"status\":\"failed\",\
         \"out\":\"out/a/b.tar\",\"out_digest\":\"{to}\",\"images\":[{{\"names\":[\"app:1\"],\"image_id\":\"{config}\",\
         \"manifest_digest\":null,\"platform\":\"linux/amd64\"}}],\"losses\":[\"an annotation\"],\
         \"recompressed\":[{{\"from\":\"{a}\",\"to\":\"{b}\",\"compression\":\"gzip\"}}],\
         \"bytes_in\":18446744073709551615,\"bytes_out\":7,\"seconds\":61.002,\"shard\":\"3/8\",\
         \"error\":{{\"code\":\"environment\",\"class\":\"temporary\",\"message\":\"b.tar: cannot write: disk full\",\
         \"member\":null}}}}\n"
    );
    assert_eq!(full().to_json_line(), want);
    let mut summary = Summary { shard: Shard::new(0, 2), seconds: Duration::from_secs(2), ..Summary::default() };
    summary.add(&full());
    let want = "{\"schema\":1,\"summary\":{\"items\":1,\"ok\":0,\"unchanged\":0,\"failed\":0,\"temporary\":1,\
                \"skipped\":0,\"bytes_in\":18446744073709551615,\"bytes_out\":7,\"seconds\":2.000,\"shard\":\"0/2\",\
                \"interrupted\":false}}\n";
    assert_eq!(summary.to_json_line(), want);
    assert_eq!(parse_line(want.as_bytes()).unwrap(), Entry::Summary(summary));
}

#[test]
fn a_line_says_the_same_when_it_is_read() {
    let mut written = full();
    let read = record(&written.to_json_line());
    written.seconds = Duration::from_millis(61_002);
    assert_eq!(read, written);
    let read = record(
        "{\"schema\":1,\"item\":\"x\",\"in\":\"y\",\"status\":\"ok\",\"later\":[1],\"images\":[],\"losses\":[],\
         \"recompressed\":[],\"bytes_in\":1,\"bytes_out\":1,\"seconds\":1e-3}",
    );
    assert_eq!((read.seconds, read.output), (Duration::from_millis(1), None));
}

#[test]
fn other_lines_are_refused() {
    let other = full().to_json_line().replacen("\"schema\":1", "\"schema\":2", 1);
    let digest = full().to_json_line().replacen("sha256:", "md5:", 1);
    let cut = &full().to_json_line()[..100];
    for (line, want) in [
        (other.as_str(), "schema 2 is not known here, only 1"),
        (digest.as_str(), "not a sha256 or sha512 digest"),
        (cut, "EOF while parsing"),
        ("{}", "missing field `schema`"),
        ("[]", "not a line of a report"),
        ("{\"schema\":1}", "missing field `item`"),
        ("{\"schema\":1,\"summary\":{}}", "missing field `items`"),
    ] {
        let error = parse_line(line.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert_eq!(error.kind(), ErrorKind::Damaged);
    }
}

#[test]
fn what_is_worth_another_try_counts_for_more_than_what_failed_for_good() {
    let ending = |statuses: &[(Status, Option<ErrorKind>)], interrupted| {
        let mut summary = Summary { interrupted, ..Summary::default() };
        for (status, kind) in statuses {
            let mut record = Record::new("x", "x", *status);
            record.error = kind.map(|kind| Failure::of(&Error::new(kind, "it is so")));
            summary.add(&record);
        }
        assert_eq!(summary.items as usize, statuses.len());
        summary.ending()
    };
    let (ok, there, none) = ((Status::Ok, None), (Status::Unchanged, None), (Status::Skipped, None));
    let [gone, again, stopped] =
        [ErrorKind::Damaged, ErrorKind::Environment, ErrorKind::Cancelled].map(|kind| (Status::Failed, Some(kind)));
    assert_eq!(ending(&[], false), Ending::Done);
    assert_eq!(ending(&[ok, there, none], false), Ending::Done);
    assert_eq!(ending(&[ok, gone, none], false), Ending::SomeFailed);
    assert_eq!(ending(&[gone, again, ok], false), Ending::TryAgain);
    assert_eq!(ending(&[stopped], false), Ending::TryAgain);
    assert_eq!(ending(&[ok, gone], true), Ending::TryAgain);
    // A failure of which nobody said why.
    assert_eq!(ending(&[(Status::Failed, None)], false), Ending::SomeFailed);
}

#[test]
fn a_failure_has_the_code_of_what_is_wrong() {
    let error = Error::mismatch(crate::Code::Digest, "digest", "a", "b").about("blobs/x").within("app.tar");
    let failure = Failure::of(&error);
    assert_eq!((failure.code.as_str(), failure.class), ("digest", Class::Permanent));
    assert_eq!(failure.member.as_deref(), Some("blobs/x"));
}
