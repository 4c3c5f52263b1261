// The settings of storage, events, queries and the rest.

extension SettingTable {
  static let storage: [Setting] = [
    Setting("storage.data", .text, "./data", "Folder of journal, spool and keys. Must be on a disk that lasts."),
    Setting(
      "storage.url", .text, "", computed: "file:<storage.data>/store",
      "The object store: file:/folder or s3://bucket/prefix."),
    Setting(
      "storage.s3.endpoint", .text, "", computed: "AWS in that region",
      "Address of the S3 service, https://host:port."),
    .later("storage.s3.public_endpoint", .text, "", "Address of the S3 service as clients see it, for presigned URLs."),
    Setting("storage.s3.region", .text, "us-east-1", "Region that requests are signed for."),
    Setting(
      "storage.s3.path_style", .choice(["auto", "true", "false"]), "auto",
      "Bucket in the path (true) or in the host name (false); auto: in the host name on AWS only."),
    Setting(
      "storage.s3.access_key_id", .text, "", computed: "AWS_ACCESS_KEY_ID",
      "Access key. Without it the environment's."),
    Setting(
      "storage.s3.secret_access_key", .text, "", computed: "AWS_SECRET_ACCESS_KEY", secret: true,
      "Secret of the access key."),
    Setting(
      "storage.s3.session_token", .text, "", computed: "AWS_SESSION_TOKEN", secret: true,
      "Token of temporary credentials."),
    .later("storage.s3.profile", .text, "", "Profile in the shared AWS configuration."),
    .later("storage.s3.role_arn", .text, "", "Role to assume."),
    .later("storage.s3.external_id", .text, "", "External id for the role."),
    Setting(
      "storage.s3.ca_file", .text, "", computed: "the system's authorities",
      "PEM file of the authorities that are trusted for the endpoint."),
    Setting(
      "storage.s3.sse", .choice(["none", "AES256", "aws:kms"]), "none",
      "Encryption asked for at each PUT; none: as the bucket's default says."),
    Setting("storage.s3.kms_key_id", .text, "", "Key of aws:kms."),
    Setting(
      "storage.acknowledge", .choice(["journal", "object-store", "auto"]), "journal",
      "When a 2xx is sent: after fdatasync of the local journal, or after the object store answered. auto: journal,"
        + " refused where the data folder does not last."),
    Setting("storage.upload.interval", .duration(0.1...3600), "10s", "Longest time until new events are uploaded."),
    Setting(
      "storage.upload.bytes", .size(64 << 10...1 << 30), "16MiB",
      "Events, before compression, that are uploaded at once."),
    Setting(
      "storage.upload.object_store_interval", .duration(0...60), "100ms",
      "Least time between two uploads while somebody waits for the object store."),
    Setting(
      "storage.journal.max_bytes", .size(1 << 20...1 << 50), "8GiB",
      "Bound of journal and spool; when it is full, posts are answered 503."),
    Setting(
      "storage.refresh_interval", .duration(0.1...3600), "1s", "How often segments of other nodes are looked for."),
    Setting("storage.list_per_second", .integer(1...1000), "5", "Most LIST requests a second."),
    .later("storage.cache_bytes", .size(0...1 << 50), "1GiB", "Cache on disk."),
    Setting("storage.memory_bytes", .size(1 << 20...1 << 40), "128MiB", "Cache in memory."),
    .later(
      "storage.compaction.enabled", .choice(["true", "false", "exclusive"]), "true", harmless: ["false"],
      "Merging of small segments into large ones."),
    .later("storage.compaction.target_bytes", .size(1 << 20...1 << 34), "256MiB", "Size of merged segments."),
    .later("storage.compaction.grace", .duration(60...31_536_000), "6h", "How long replaced objects stay."),
    .later("storage.retention_days", .integer(0...36_500), "0", "Days after which events go; 0 to keep them."),
    .later("storage.format", .choice(["current"]), "current", "Format that new segments are written in."),
  ]

  static let events: [Setting] = [
    Setting("events.max_bytes", .size(1024...64 << 20), "256KiB", "Longest event."),
    Setting("events.max_batch", .integer(1...1_000_000), "10000", "Most events of one request."),
    Setting("events.max_age_days", .integer(1...36_500), "3650", "Oldest timestamp that is taken."),
    Setting(
      "events.max_future_seconds", .duration(0...31_536_000), "86400", "How far in the future a timestamp may be."),
    .later("events.idempotency_days", .integer(1...365), "7", "How long an idempotency key is remembered."),
  ]

  static let rest: [Setting] = [
    Setting("query.timeout", .duration(0.1...3600), "20s", "Longest time of one query."),
    Setting("query.max_scan_bytes", .size(1 << 20...1 << 50), "4GiB", "Bytes that one query may read."),
    Setting("query.concurrency", .integer(1...10_000), "32", "Queries at once; more are answered 503."),
    Setting("log.level", .choice(["debug", "info", "warn", "error"]), "info", "Least level that is logged."),
    Setting("log.format", .choice(["json", "text"]), "json", "Form of the log lines on standard output."),
    .later("log.access_sample", .integer(1...1_000_000), "1", "One of how many good requests is logged."),
    .later("tracing.otlp_endpoint", .text, "", "Where traces go."),
    .later("privacy.mask", .list, "", "Metadata fields that are masked."),
    .later("webhooks", .objects, "", "Addresses that events are sent to."),
    .later("ingest", .objects, "", "Call platforms that post events of their own form."),
    .later("service.environment", .text, "", "Name of the deployment in logs and traces."),
    .later("service.tags", .list, "", "Words added to logs and traces."),
  ]
}
