// What every command that reads the configuration takes.

import ArgumentParser
import Service

struct ConfigurationOptions: ParsableArguments {
  @Option(name: .long, help: "YAML file with the settings; else the file that CALLFLOW_CONFIG names; else none.")
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: "One setting, such as http.listen=127.0.0.1:9000. May be repeated.")
  var overrides: [String] = []

  var sources: SettingsSources {
    SettingsSources(file: config, environment: ProcessEnvironment.all, overrides: overrides)
  }

  /// Throws `ServiceFailure.misconfigured` with everything that is wrong.
  func settings() throws -> Settings { try CommandSetup.settings(sources) }
}
